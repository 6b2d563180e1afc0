import type { Perdure } from '@perdure/core';
import { type RunStarter, withinEngine } from '@perdure/core/internal';
import type { HttpExchange } from './exchange.js';
import { EnqueuingEngine } from './hosted/enqueuing-engine.js';
import { contextOfHeaders } from './request-context.js';
import type { HandlerRun } from './offers.js';
import { innerRunId } from './run-id.js';
import type { RequestContext, RequestScope } from './scope.js';

/** What the scopes of all requests share. */
export interface ScopeServices<Req> {
  readonly contextOf: (exchange: HttpExchange<Req>, ofHeaders: RequestContext) => RequestContext;
  /** What a request's key comes to; null = it has none. */
  readonly runIdOf: (exchange: HttpExchange<Req>) => Promise<string | null>;
}

/** What the scope of a handler has from elsewhere. */
export interface ScopeHandler {
  readonly bound: RequestScope | undefined;
  readonly run: HandlerRun;
}

/**
 * A scope in which runs are named after a key, so that a repeated request finds those of the first one. It works out what it is
 * asked for, because most requests start nothing.
 */
export class KeyedScope<Req> implements RequestScope {
  readonly kind = 'http.request';
  readonly #services: ScopeServices<Req>;
  readonly #exchange: HttpExchange<Req>;
  readonly #handler: ScopeHandler | null; // null = the request's own key and headers
  #ofHeaders: RequestContext | undefined;
  #runId: Promise<string | null> | undefined;
  #occurrences: Map<string, number> | null = null; // null = nothing was started yet

  constructor(services: ScopeServices<Req>, exchange: HttpExchange<Req>, handler: ScopeHandler | null) {
    this.#services = services;
    this.#exchange = exchange;
    this.#handler = handler;
  }

  get starter(): RunStarter | null {
    return this.#handler?.run.starter ?? null;
  }

  /** The headers are read once, so that an id that was made up stays; what the application adds, whenever it is asked for. */
  context(): RequestContext {
    if (this.#handler?.bound !== undefined) return this.#handler.bound.context();
    this.#ofHeaders ??= contextOfHeaders((name) => this.#exchange.header(name));
    return this.#services.contextOf(this.#exchange, this.#ofHeaders);
  }

  async runIdFor(workflowName: string): Promise<string | undefined> {
    // Counted before anything is awaited: the order of the calls is what repeats.
    this.#occurrences ??= new Map();
    const occurrence = (this.#occurrences.get(workflowName) ?? 0) + 1;
    this.#occurrences.set(workflowName, occurrence);
    this.#runId ??=
      this.#handler === null ? this.#services.runIdOf(this.#exchange) : Promise.resolve(this.#handler.run.origin);
    const runId = await this.#runId;
    return runId === null ? undefined : innerRunId(runId, workflowName, occurrence);
  }
}

/** What a handler starts goes to its run, and what it leaves behind to the engine once it has ended. */
function engineOf(scope: RequestScope, perdure: Perdure): { readonly starter: RunStarter } {
  return {
    get starter() {
      const { starter } = scope;
      if (starter === null) return perdure.starter;
      return perdure instanceof EnqueuingEngine ? perdure.over(starter) : starter;
    },
  };
}

/** Calls a function in a scope, and under an engine on which the runs that it starts are named by the scope. */
export function withinScope<T>(perdure: Perdure, scope: RequestScope, fn: () => T): T {
  const runIdFor = (workflowName: string): Promise<string | undefined> => scope.runIdFor(workflowName);
  return withinEngine(scope.starter === null ? perdure : engineOf(scope, perdure), fn, { runIdFor, scope });
}
