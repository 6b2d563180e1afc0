import { httpState } from '../process-state.js';
import { SharedEngine } from './shared-engine.js';

/**
 * The engine of this name in this process. A bundler may compile an application into bundles that share no modules, and
 * evaluates them anew after each edit; they must find the engine that runs already.
 */
export function sharedEngine(name: string): SharedEngine {
  const { engines } = httpState();
  const known = engines.get(name);
  if (known !== undefined) return known;
  const engine = new SharedEngine();
  engines.set(name, engine);
  return engine;
}
