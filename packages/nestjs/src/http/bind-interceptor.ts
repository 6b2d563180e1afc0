import { type CallHandler, type ExecutionContext, Inject, Injectable, type NestInterceptor } from '@nestjs/common';
import { Observable } from 'rxjs';
import { CallIdempotency } from '../calls/call-idempotency.js';
import { isCall } from '../calls/nest-call.js';
import { nestExchange } from './nest-exchange.js';
import { PerdureHttp } from './perdure-http.js';

/** What a handler is called in. */
interface Binding {
  call<T>(fn: () => T): T;
  /** An error as it is to be thrown in Nest. */
  exception(error: unknown): unknown;
}

/**
 * Calls handlers so that the workflows that they start are named after the request's key, and know the request. It refuses
 * no request, and turns Perdure's errors into exceptions that say what they mean over HTTP.
 *
 * An interceptor, and no middleware, because it sees the request as guards have left it, with the user that `principal`
 * asks for, and on Fastify the request that handlers get.
 */
@Injectable()
export class PerdureBindInterceptor implements NestInterceptor {
  readonly #http: PerdureHttp;
  readonly #calls: CallIdempotency;

  constructor(@Inject(PerdureHttp) http: PerdureHttp, @Inject(CallIdempotency) calls: CallIdempotency) {
    this.#http = http;
    this.#calls = calls;
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const binding = this.#http.isReady ? this.#bindingOf(context) : null;
    if (binding === null) return next.handle();
    // What is called later runs in the context of its subscription.
    return new Observable((subscriber) =>
      binding.call(() =>
        next.handle().subscribe({
          next: (value) => subscriber.next(value),
          complete: () => subscriber.complete(),
          error: (error: unknown) => subscriber.error(binding.exception(error)),
        }),
      ),
    );
  }

  /** Null for what is neither a request nor a call. */
  #bindingOf(context: ExecutionContext): Binding | null {
    if (context.getType() === 'http') {
      const http = nestExchange(context);
      return { call: (fn) => this.#http.bind(http, fn), exception: (error) => this.#http.exception(error, http) };
    }
    if (!isCall(context)) return null;
    return { call: (fn) => this.#calls.bind(context, fn), exception: (error) => this.#calls.exception(error) };
  }
}
