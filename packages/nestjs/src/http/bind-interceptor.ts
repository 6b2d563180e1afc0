import { type CallHandler, type ExecutionContext, Inject, Injectable, type NestInterceptor } from '@nestjs/common';
import { Observable } from 'rxjs';
import { nestExchange } from './nest-exchange.js';
import { PerdureHttp } from './perdure-http.js';

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

  constructor(@Inject(PerdureHttp) http: PerdureHttp) {
    this.#http = http;
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType() !== 'http' || !this.#http.isReady) return next.handle();
    const http = nestExchange(context);
    // What is called later runs in the context of its subscription.
    return new Observable((subscriber) =>
      this.#http.bind(http, () =>
        next.handle().subscribe({
          next: (value) => subscriber.next(value),
          complete: () => subscriber.complete(),
          error: (error: unknown) => subscriber.error(this.#http.exception(error, http)),
        }),
      ),
    );
  }
}
