import { type CallHandler, type ExecutionContext, Inject, Injectable, type NestInterceptor } from '@nestjs/common';
import {
  type Answer,
  type HttpResponse,
  isResponseRecord,
  type ResolvedRoute,
  responseOfAnswer,
  type ResponseRecord,
  type RouteOptions,
} from '@perdure/http';
import { captureResponse, type ResponseCapture, sendResponse } from '@perdure/http/node';
import { defer, lastValueFrom, Observable, type Subscriber } from 'rxjs';
import { CallIdempotency } from '../calls/call-idempotency.js';
import { isCallOptions } from '../calls/call-options.js';
import { WorkflowRegistry } from '../workflows/workflow-registry.js';
import { addHeaders, copyHeaders, nestExchange, type NestExchange } from './nest-exchange.js';
import { PerdureHttp } from './perdure-http.js';
import { httpCodeOf, isSentByNest, routeMetadataOf } from './route-metadata.js';

/** One request on its way through the interceptor. */
interface Call {
  readonly context: ExecutionContext;
  readonly next: CallHandler;
  readonly http: NestExchange;
  readonly route: ResolvedRoute<never>;
  /** What Nest is told: a value to send, or an exception. */
  readonly nest: Subscriber<unknown>;
}

/** What `@Idempotent` and `@Durable` put around a handler. */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  readonly #http: PerdureHttp;
  readonly #registry: WorkflowRegistry;
  readonly #calls: CallIdempotency;
  readonly #routes = new WeakMap<object, ResolvedRoute<never>>();

  constructor(
    @Inject(PerdureHttp) http: PerdureHttp,
    @Inject(WorkflowRegistry) registry: WorkflowRegistry,
    @Inject(CallIdempotency) calls: CallIdempotency,
  ) {
    this.#http = http;
    this.#registry = registry;
    this.#calls = calls;
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { workflow, options } = routeMetadataOf(context);
    if (isCallOptions(options)) return defer(() => this.#calls.answer(context, next, { workflow, options }));
    if (context.getType() !== 'http') throw keyUnknown(context);
    const http = nestExchange(context);
    const route = this.#routeOf(context, options);
    return new Observable((nest) => {
      const call: Call = { context, next, http, route, nest };
      const work = workflow === null ? this.#idempotent(call) : this.#durable(call, this.#registry.of(workflow));
      work.catch((error: unknown) => nest.error(error));
    });
  }

  #routeOf(context: ExecutionContext, options: RouteOptions<never>): ResolvedRoute<never> {
    const handler = context.getHandler();
    const known = this.#routes.get(handler);
    if (known !== undefined) return known;
    const route = this.#http.idempotency.route(options);
    this.#routes.set(handler, route);
    return route;
  }

  async #durable(call: Call, workflow: ReturnType<WorkflowRegistry['of']>): Promise<void> {
    const { http, route, next } = call;
    const input = async (): Promise<never> => (await lastValueFrom(next.handle())) as never;
    const answer = await this.#http.idempotency.workflow(http.exchange, route, workflow, input);
    await this.#answer(call, answer);
  }

  async #idempotent(call: Call): Promise<void> {
    const { http, route, next, nest } = call;
    let capture: ResponseCapture | null = null;
    const perform = async (exchangeId: string): Promise<ResponseRecord> => {
      const captured = captureResponse(http.raw, {
        exchangeId,
        headers: route.replayHeaders,
        bytesMax: route.storedBytesMax,
      });
      capture = captured;
      return await new Promise((resolve, reject) => {
        void captured.ended.then(resolve);
        const observer = {
          next: (value: unknown) => nest.next(value),
          complete: () => nest.complete(),
          // An exception that comes back as itself is stored, for the filters; of any other one, what they make of it.
          error: (error: Error) => (this.#http.isRevivable(error) ? reject(error) : nest.error(error)),
        };
        next.handle().subscribe(observer);
      });
    };
    const answer = await this.#http.idempotency.handler(http.exchange, route, perform);
    const own = capture as ResponseCapture | null;
    if (answer.kind === 'pass') this.#http.bind(http, () => next.handle().subscribe(nest));
    else if (answer.kind === 'own') own?.send();
    else {
      own?.discard();
      await this.#answer(call, answer);
    }
  }

  /** Sends an answer, or hands its error to Nest. */
  async #answer({ context, http, nest }: Call, answer: Answer): Promise<void> {
    if (answer.kind === 'error') {
      addHeaders(http, answer.headers);
      nest.error(this.#http.exception(answer.error, http));
      return;
    }
    if (answer.kind === 'problem') {
      nest.error(this.#http.exception(answer.problem, http));
      return;
    }
    const response = withHttpCode(
      answer,
      responseOfAnswer(answer, (problem) => this.#http.show(problem, http)),
      httpCodeOf(context),
    );
    if (response === null) finish(nest);
    else if (isSentByNest(context)) await this.#sendInstead(http, nest, response);
    else {
      copyHeaders(http.response);
      sendResponse(http.raw, response);
      finish(nest);
    }
  }

  /**
   * Nest sends something for every handler, and interceptors further out may wait for it. So it is given nothing to send,
   * and what it sends for that is dropped.
   */
  async #sendInstead(
    { raw, response: own }: NestExchange,
    nest: Subscriber<unknown>,
    response: HttpResponse,
  ): Promise<void> {
    copyHeaders(own);
    const dropped = captureResponse(raw, { exchangeId: '', headers: [], bytesMax: Number.MAX_SAFE_INTEGER });
    finish(nest);
    await dropped.ended;
    dropped.discard();
    sendResponse(raw, response);
  }
}

const keyUnknown = (context: ExecutionContext): Error =>
  new Error(
    `${context.getClass().name}.${context.getHandler().name} is not called by an HTTP request of its own. Say in \`keyResolver\` where its calls have their keys.`,
  );

function finish(nest: Subscriber<unknown>): void {
  nest.next(undefined);
  nest.complete();
}

/** The plain value that a workflow returned is sent with the status of `@HttpCode`, as any handler's is. */
function withHttpCode(answer: Answer, response: HttpResponse | null, status: number | null): HttpResponse | null {
  if (response === null || status === null || answer.kind !== 'result') return response;
  return answer.value === undefined || isResponseRecord(answer.value) ? response : { ...response, status };
}
