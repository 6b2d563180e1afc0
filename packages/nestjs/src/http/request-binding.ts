import { Inject, Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { exchangeOf, type NestResponse } from './nest-exchange.js';
import { PerdureHttp } from './perdure-http.js';

/** Of Fastify, what is used here. */
interface Fastify {
  addHook(name: 'preHandler', hook: (request: object, reply: NestResponse, done: () => void) => void): unknown;
}

/**
 * Calls all handlers so that the workflows that they start are named after the request's key, and know the request. It
 * refuses no request.
 *
 * Middleware, or a hook of Fastify, and no interceptor: for its first interceptor, Nest makes observables of every request,
 * which costs a route that does little a third of its rate.
 */
@Injectable()
export class RequestBinding {
  readonly #http: PerdureHttp;
  readonly #host: HttpAdapterHost;

  constructor(@Inject(PerdureHttp) http: PerdureHttp, @Inject(HttpAdapterHost) host: HttpAdapterHost) {
    this.#http = http;
    this.#host = host;
  }

  /** After the body is parsed, which may lose the AsyncLocalStorage, and before there are routes. */
  install(): void {
    const { httpAdapter } = this.#host;
    const bind = (request: object, response: NestResponse, next: () => void): void => {
      if (this.#http.isReady) this.#http.bind(exchangeOf(request, response), next);
      else next();
    };
    if (httpAdapter.getType() === 'fastify') httpAdapter.getInstance<Fastify>().addHook('preHandler', bind);
    else httpAdapter.use(bind);
  }
}
