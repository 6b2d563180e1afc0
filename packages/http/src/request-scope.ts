import type { Perdure } from '@perdure/core';
import { httpState } from './process-state.js';
import { innerRunId } from './run-id.js';
import type { RequestContext, RequestScope } from './scope.js';

/** A scope in which runs are named after a key, so that a repeated request finds those of the first one. */
export class KeyedScope implements RequestScope {
  readonly #context: () => RequestContext;
  readonly #runId: () => Promise<string | null>;
  readonly #occurrences = new Map<string, number>();

  /** @param runId what the key comes to; null = the request has none */
  constructor(context: () => RequestContext, runId: () => Promise<string | null>) {
    this.#context = context;
    this.#runId = runId;
  }

  context(): RequestContext {
    return this.#context();
  }

  async runIdFor(workflowName: string): Promise<string | undefined> {
    // Counted before anything is awaited: the order of the calls is what repeats.
    const occurrence = (this.#occurrences.get(workflowName) ?? 0) + 1;
    this.#occurrences.set(workflowName, occurrence);
    const runId = await this.#runId();
    return runId === null ? undefined : innerRunId(runId, workflowName, occurrence);
  }
}

/** Calls a function in a scope, and under an engine on which the runs that it starts are named by the scope. */
export function withinScope<T>(perdure: Perdure, scope: RequestScope, fn: () => T): T {
  const runIdFor = (workflowName: string): Promise<string | undefined> => scope.runIdFor(workflowName);
  return httpState().scopes.run(scope, () => perdure.within(fn, { runIdFor }));
}
