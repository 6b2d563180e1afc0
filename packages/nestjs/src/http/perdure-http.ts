import { Inject, Injectable } from '@nestjs/common';
import { ApplicationConfig } from '@nestjs/core';
import { type HttpOptions, type HttpProblem, type HttpResponse, Idempotency, problemOf } from '@perdure/http';
import { LatePerdure } from '../module/late-perdure.js';
import type { PerdureModuleOptions } from '../module/module-options.js';
import { getPerdureOptionsToken } from '../tokens.js';
import { nestErrors, PerdureProblemException, toException } from './http-errors.js';
import { addHeaders, type NestExchange } from './nest-exchange.js';

/** The HTTP core with the options of this application. */
@Injectable()
export class PerdureHttp {
  readonly idempotency: Idempotency<never>;
  readonly #late: LatePerdure;
  readonly #errors: ReadonlySet<unknown>;

  constructor(
    @Inject(getPerdureOptionsToken()) { http = {}, errors = [] }: PerdureModuleOptions,
    @Inject(LatePerdure) late: LatePerdure,
    @Inject(ApplicationConfig) config: ApplicationConfig,
  ) {
    this.#late = late;
    this.#errors = new Set([...nestErrors, ...errors]);
    const options: HttpOptions<never> = {
      ...http,
      // The prefix is set after this is made.
      get runsPath() {
        return http.runsPath ?? [prefixOf(config), 'runs'].join('/');
      },
    };
    this.idempotency = new Idempotency(late.perdure, options);
  }

  /** Before, no request can be told anything about a run. */
  get isReady(): boolean {
    return this.#late.isLaunched;
  }

  /** Calls what handles a request, so that the workflows of this application that it starts are named after its key. */
  bind<T>({ exchange }: NestExchange, fn: () => T): T {
    return this.idempotency.bind(exchange, fn);
  }

  /** An error as it is to be thrown in Nest, with the headers that belong to it whoever renders it. */
  exception(error: unknown, http: NestExchange): unknown {
    const exception = toException(error, (problem) => this.show(problem, http));
    if (exception instanceof PerdureProblemException) {
      const { 'content-type': _type, ...headers } = exception.rendered.headers;
      addHeaders(http, headers);
    }
    return exception;
  }

  /** Whether an error that was stored comes back as what it was, so that exception filters know it again. */
  isRevivable(error: unknown): boolean {
    return problemOf(error) !== null || (error instanceof Error && this.#errors.has(error.constructor));
  }

  show(problem: HttpProblem, { exchange }: NestExchange): HttpResponse {
    return this.idempotency.show(problem, exchange);
  }
}

function prefixOf(config: ApplicationConfig): string {
  const prefix = config.getGlobalPrefix().replace(/^\/+|(?<!\/)\/+$/g, '');
  return prefix === '' ? '' : `/${prefix}`;
}
