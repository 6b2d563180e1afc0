import type { Perdure, Workflow } from '@perdure/core';
import { Admission } from './admission.js';
import type { Answer } from './answer.js';
import { bindScope, boundScopeOf } from './bound-request.js';
import type { HttpExchange } from './exchange.js';
import { HandlerRoutes } from './handler-route.js';
import type { HttpResponse } from './http-response.js';
import { type HttpOptions, type ResolvedRoute, resolveRoute, type RouteOptions } from './options.js';
import { type HttpProblem, problemResponse } from './problem.js';
import type { HandlerRun } from './offers.js';
import { httpState } from './process-state.js';
import { KeyedScope, type ScopeHandler, type ScopeServices, withinScope } from './request-scope.js';
import { RunEndpoints } from './run-endpoints.js';
import { RunWatch } from './run-watch.js';
import type { RequestScope } from './scope.js';
import type { ResponseRecord } from './stored-response.js';
import { tracedAnswer } from './traced-answer.js';
import { WorkflowRoutes } from './workflow-route.js';

/**
 * What all adapters share: it knows no framework, and sees requests as {@link HttpExchange}s. An adapter turns a request
 * into one, asks here for an {@link Answer}, and sends that.
 */
export class Idempotency<Req> {
  readonly runs: RunEndpoints<Req>;
  readonly #perdure: Perdure;
  readonly #options: HttpOptions<Req>;
  readonly #scopes: ScopeServices<Req>;
  readonly #handlers: HandlerRoutes<Req>;
  readonly #workflows: WorkflowRoutes<Req>;

  constructor(perdure: Perdure, options: HttpOptions<Req> = {}) {
    this.#perdure = perdure;
    this.#options = options;
    const admission = new Admission(options);
    const ownRoute = this.route();
    this.#scopes = {
      contextOf: ({ request }, ofHeaders) => ({ ...ofHeaders, ...options.context?.(request) }),
      runIdOf: (exchange) => admission.runIdOf(exchange, ownRoute),
    };
    const watch = new RunWatch(perdure, options.startTimeoutMs ?? 10_000);
    const services = { perdure, options, admission, watch };
    this.#handlers = new HandlerRoutes(services);
    this.#workflows = new WorkflowRoutes(services);
    this.runs = new RunEndpoints(perdure, options, watch.outcomes);
  }

  /** The options of a route, those of the adapter where it has none. */
  route(options: RouteOptions<Req> = {}): ResolvedRoute<Req> {
    return resolveRoute({ ...this.#options, ...options });
  }

  /**
   * Calls what handles a request so that the workflows which it starts are named after its key. A key that does not hold
   * is an error of the first workflow that is started, not before.
   */
  bind<T>(exchange: HttpExchange<Req>, fn: () => T): T {
    return withinScope(this.#perdure, this.#scopeOf(exchange), fn);
  }

  /** Calls something in the scope of a request that was bound before, for when the AsyncLocalStorage was lost on the way. */
  rebind<T>(request: object, fn: () => T): T {
    const scope = boundScopeOf(request);
    return scope === undefined ? fn() : withinScope(this.#perdure, scope, fn);
  }

  /** A request with a plain handler. `perform` runs it, and resolves with its response as it is to be stored. */
  async handler(
    exchange: HttpExchange<Req>,
    route: ResolvedRoute<Req>,
    perform: (exchangeId: string) => Promise<ResponseRecord>,
  ): Promise<Answer> {
    return await tracedAnswer((trace) =>
      this.#handlers.answer(exchange, route, trace, (exchangeId, run) =>
        withinScope(this.#perdure, this.#handlerScope(exchange, run), () => perform(exchangeId)),
      ),
    );
  }

  /** A request that is a workflow. */
  async workflow<Input, Result>(
    exchange: HttpExchange<Req>,
    route: ResolvedRoute<Req>,
    workflow: Workflow<[Input], Result>,
    inputOf: () => Input | Promise<Input>,
  ): Promise<Answer> {
    const scope = this.#scopeOf(exchange);
    return await httpState().scopes.run(scope, () =>
      tracedAnswer((trace) => this.#workflows.answer(exchange, route, trace, workflow, inputOf)),
    );
  }

  /** A problem as this client is to see it; null = it did not send a request of its own. */
  show(problem: HttpProblem, request: Pick<HttpExchange<Req>, 'path' | 'header'> | null): HttpResponse {
    return problemResponse(problem, {
      accept: request?.header('accept') ?? null,
      docsUrl: this.#options.docsUrl ?? null,
      ...(request === null ? {} : { instance: request.path }),
    });
  }

  #scopeOf(exchange: HttpExchange<Req>): RequestScope {
    return boundScopeOf(exchange.request) ?? this.#bindScope(exchange, null);
  }

  /** A handler's workflows are named after the key that its route has, which may be another than that of `bind`. */
  #handlerScope(exchange: HttpExchange<Req>, run: HandlerRun): RequestScope {
    return this.#bindScope(exchange, { bound: boundScopeOf(exchange.request), run });
  }

  #bindScope(exchange: HttpExchange<Req>, handler: ScopeHandler | null): RequestScope {
    const scope = new KeyedScope(this.#scopes, exchange, handler);
    bindScope(exchange.request, scope);
    return scope;
  }
}
