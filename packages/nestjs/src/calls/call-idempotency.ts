import { type CallHandler, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import {
  type Answer,
  type HttpOptions,
  type HttpProblem,
  Idempotency,
  type RequestContext,
  recordOfValue,
  valueOfResult,
} from '@perdure/http';
import { lastValueFrom } from 'rxjs';
import { toException } from '../http/http-errors.js';
import type { RouteMetadata } from '../http/route-metadata.js';
import { LatePerdure } from '../module/late-perdure.js';
import type { PerdureModuleOptions } from '../module/module-options.js';
import { getPerdureOptionsToken } from '../tokens.js';
import { WorkflowRegistry } from '../workflows/workflow-registry.js';
import type { CallOptions } from './call-options.js';
import { callExchange, type NestCall } from './nest-call.js';

/** Calls of GraphQL resolvers and of message handlers, which are answered with values and exceptions. */
@Injectable()
export class CallIdempotency {
  readonly #idempotency: Idempotency<NestCall>;
  readonly #registry: WorkflowRegistry;

  constructor(
    @Inject(getPerdureOptionsToken()) { http = {} }: PerdureModuleOptions,
    @Inject(LatePerdure) late: LatePerdure,
    @Inject(WorkflowRegistry) registry: WorkflowRegistry,
  ) {
    this.#idempotency = new Idempotency(late.perdure, callOptions(http));
    this.#registry = registry;
  }

  /** Calls a method so that the workflows that it starts know whose request it is. They get random ids: it has no key. */
  bind<T>(context: ExecutionContext, fn: () => T): T {
    return this.#idempotency.bind(callExchange(context, withoutKey), fn);
  }

  /** @throws what the method or the workflow threw, or an exception that says what is wrong with the call */
  async answer(
    context: ExecutionContext,
    next: CallHandler,
    { workflow, options }: Pick<RouteMetadata, 'workflow'> & { readonly options: CallOptions },
  ): Promise<unknown> {
    const { keyResolver: _key, principalResolver: _principal, ...others } = options;
    const exchange = callExchange(context, options);
    const route = this.#idempotency.route({
      ...others,
      methods: [exchange.method],
      mode: 'sync',
    });
    const call = async (): Promise<unknown> => await lastValueFrom(next.handle(), { defaultValue: undefined });
    if (workflow !== null) {
      const input = async (): Promise<never> => (await call()) as never;
      return this.#valueOf(await this.#idempotency.workflow(exchange, route, this.#registry.of(workflow), input));
    }
    let own: unknown;
    const answer = await this.#idempotency.handler(exchange, route, async (exchangeId) => {
      own = await call();
      return recordOfValue(own, exchangeId);
    });
    if (answer.kind === 'pass') return await call();
    return answer.kind === 'own' ? own : this.#valueOf(answer);
  }

  #valueOf(answer: Answer): unknown {
    if (answer.kind === 'error') throw this.exception(answer.error);
    if (answer.kind === 'problem') throw this.exception(answer.problem);
    if (answer.kind !== 'result') throw new Error('A call is answered with a value, and with nothing else.');
    try {
      return valueOfResult(answer.value);
    } catch (error) {
      throw this.exception(error);
    }
  }

  /** An error as it is to be thrown in Nest. */
  exception(error: unknown): unknown {
    return toException(error, (problem: HttpProblem) => this.#idempotency.show(problem, null));
  }
}

const withoutKey: CallOptions = { keyResolver: () => null };

/** What the application says of HTTP requests, as far as it holds for calls. */
function callOptions({
  namespace,
  docsUrl,
  startTimeoutMs,
  principal,
  context,
}: HttpOptions<never>): HttpOptions<NestCall> {
  return {
    ...(namespace === undefined ? {} : { namespace }),
    ...(docsUrl === undefined ? {} : { docsUrl }),
    ...(startTimeoutMs === undefined ? {} : { startTimeoutMs }),
    key: ({ context, options }) => options.keyResolver(context) ?? undefined,
    principal: async (call) => {
      if (call.options.principalResolver !== undefined) return await call.options.principalResolver(call.context);
      if (principal === undefined) return null;
      if (call.request !== undefined) return await principal(call.request as never);
      throw new Error(
        'The option `http.principal` cannot tell who sent a message. Say so in `principalResolver`, beside `keyResolver`; `() => null` if that makes no difference.',
      );
    },
    context: ({ request }): Partial<RequestContext> =>
      request === undefined ? {} : (context?.(request as never) ?? {}),
  };
}
