import { SharedEngine } from './shared-engine.js';

/** What there must be one of in a process, however often this package was loaded. */
interface NextState {
  /** By the name that the adapter was given. */
  readonly engines: Map<string, SharedEngine>;
}

const key = Symbol.for('perdure.next.v1');

/**
 * The one global of this package. Next compiles `instrumentation.ts` and routes into bundles that share no modules, and
 * evaluates them anew after each edit; they must find the engine that runs already.
 */
function nextState(): NextState {
  const holder = globalThis as { [key]?: NextState };
  return (holder[key] ??= { engines: new Map() });
}

export function sharedEngine(name: string): SharedEngine {
  const { engines } = nextState();
  const known = engines.get(name);
  if (known !== undefined) return known;
  const engine = new SharedEngine();
  engines.set(name, engine);
  return engine;
}
