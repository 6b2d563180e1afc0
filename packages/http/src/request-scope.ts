import { Perdure } from '@perdure/core';
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
  return httpState().scopes.run(scope, () => namingEngine(perdure, scope).within(fn));
}

/**
 * The same engine, with ids for the runs that are started without one.
 *
 * `within` knows no ids of its own, so this is an engine whose only difference is `start`. It is never launched nor shut down.
 */
function namingEngine(perdure: Perdure, scope: RequestScope): Perdure {
  const { starter } = perdure;
  const naming: Perdure['starter'] = {
    dataSource: starter.dataSource,
    start: async (request) => {
      if (request.options.workflowId !== undefined) return await starter.start(request);
      const workflowId = await scope.runIdFor(request.definition.name);
      if (workflowId === undefined) return await starter.start(request);
      return await starter.start({ ...request, options: { ...request.options, workflowId } });
    },
    outcome: (workflowId) => starter.outcome(workflowId),
    status: (workflowId) => starter.status(workflowId),
    cancel: (workflowId) => starter.cancel(workflowId),
    send: (message) => starter.send(message),
    complete: (completion) => starter.complete(completion),
    event: (question, signal) => starter.event(question, signal),
    decode: (payload) => starter.decode(payload),
    decodeError: (payload) => starter.decodeError(payload),
  };
  return new Perdure(naming as never, null);
}
