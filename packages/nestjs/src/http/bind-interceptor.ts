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
 * For handlers of messages, which no request is bound for, and for handlers whose exception filters are to see Perdure's
 * errors as exceptions that say what they mean over HTTP. What a handler starts is named after the request's key, and knows
 * the request, as with the option `bind`; no request is refused.
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
