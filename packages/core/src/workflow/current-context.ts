import { InvalidArgumentError, NotLaunchedError } from '../errors/errors.js';
import type { Context, EngineContext, RunNaming } from './context.js';
import { processState } from './process-state.js';
import type { RunStarter } from './run-starter.js';

/** Where the calling code runs: in a workflow, in a step, under a chosen engine; undefined for anywhere else. */
export function currentContext(): Context | undefined {
  return processState().contexts.getStore();
}

/** The `scope` of the innermost `perdure.within` that calls this; null in runs, and where there is none. */
export function currentScope(): object | null {
  const context = currentContext();
  return context?.kind === 'engine' ? context.scope : null;
}

/** The identity of the engine that the calling code runs under, {@link RunStarter.outside}; null where there is none. */
export function currentEngineKey(): object | null {
  return currentContext()?.starter.outside ?? null;
}

export interface WithinOptions {
  /** The ids of the runs that are started without one; random where left out. */
  readonly runIdFor?: RunNaming | null;
  /** What {@link currentScope} returns there. */
  readonly scope?: object | null;
}

/** Calls a function with this as what workflows are started on. It is asked for its starter whenever one is needed. */
export function withinEngine<T>(
  engine: { readonly starter: RunStarter },
  fn: () => T,
  { runIdFor = null, scope = null }: WithinOptions = {},
): T {
  return processState().contexts.run(new ChosenEngine(engine, runIdFor, scope), fn);
}

/** A class, because there is one for each request, and literals with getters are slow to make. */
class ChosenEngine implements EngineContext {
  readonly kind = 'engine';

  constructor(
    readonly engine: { readonly starter: RunStarter },
    readonly runIdFor: RunNaming | null,
    readonly scope: object | null,
  ) {}

  get starter(): RunStarter {
    return this.engine.starter;
  }
}

/**
 * An engine as it serves the calling code. In a run of it that is by what the run itself asks with, which serves it to its end,
 * also while the engine shuts down.
 */
export function seenFromHere(engine: { readonly starter: RunStarter }): { readonly starter: RunStarter } {
  const context = currentContext();
  if (context?.starter.outside !== engine.starter.outside) return engine;
  // Not the context itself: code that goes on in one that it was called in would make them longer and longer.
  return context.kind === 'engine' ? context.engine : context;
}

/**
 * What starts runs and answers for them: of the engine that is given, else of the one in context, else of the one that was
 * launched.
 */
export function starterOn(engine?: { readonly starter: RunStarter }): RunStarter {
  return engine === undefined ? (currentContext()?.starter ?? launchedStarter()) : seenFromHere(engine).starter;
}

function launchedStarter(): RunStarter {
  const launched = [...processState().launched];
  const [first] = launched;
  if (first === undefined) throw new NotLaunchedError();
  if (launched.length > 1) {
    throw new InvalidArgumentError(
      `${launched.length} engines are launched in this process, and it is not clear which one to start on. ` +
        'Choose it with workflow.with({ engine }) or engine.within(() => …).',
    );
  }
  return first;
}
