import type { Perdure } from '@perdure/core';
import { innerRunId } from './run-id.js';
import type { RequestContext, RequestScope } from './scope.js';

/** A scope in which runs are named after a key, so that a repeated request finds those of the first one. */
export class KeyedScope implements RequestScope {
  readonly kind = 'http.request';
  readonly #context: () => RequestContext;
  readonly #runId: () => Promise<string | null>;
  #occurrences: Map<string, number> | null = null; // null = nothing was started yet

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
    this.#occurrences ??= new Map();
    const occurrence = (this.#occurrences.get(workflowName) ?? 0) + 1;
    this.#occurrences.set(workflowName, occurrence);
    const runId = await this.#runId();
    return runId === null ? undefined : innerRunId(runId, workflowName, occurrence);
  }
}

/** Calls a function in a scope, and under an engine on which the runs that it starts are named by the scope. */
export function withinScope<T>(perdure: Perdure, scope: RequestScope, fn: () => T): T {
  return perdure.within(fn, { runIdFor: (workflowName) => scope.runIdFor(workflowName), scope });
}
