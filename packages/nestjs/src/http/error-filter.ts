import { type ArgumentsHost, Catch, type HttpException, Inject } from '@nestjs/common';
import { BaseExceptionFilter, HttpAdapterHost } from '@nestjs/core';
import { throwError } from 'rxjs';
import { CallIdempotency } from '../calls/call-idempotency.js';
import { ErrorWithMeaning, PerdureProblemException } from './http-errors.js';
import { nestExchange } from './nest-exchange.js';
import { PerdureHttp } from './perdure-http.js';
import { PerdureProblemFilter } from './problem-filter.js';

/** Answers with what an error of Perdure means that a handler threw, and that no filter of the application has caught. */
@Catch(ErrorWithMeaning)
export class PerdureErrorFilter extends BaseExceptionFilter {
  readonly #http: PerdureHttp;
  readonly #calls: CallIdempotency;

  constructor(
    @Inject(HttpAdapterHost) { httpAdapter }: HttpAdapterHost,
    @Inject(PerdureHttp) http: PerdureHttp,
    @Inject(CallIdempotency) calls: CallIdempotency,
  ) {
    super(httpAdapter);
    this.#http = http;
    this.#calls = calls;
  }

  override catch(error: unknown, host: ArgumentsHost): unknown {
    const type = host.getType<string>();
    if (type !== 'http') {
      const exception = this.#calls.exception(error) as HttpException;
      return type === 'rpc' ? throwError(() => exception.getResponse()) : exception;
    }
    const exception = this.#http.exception(error, nestExchange(host));
    if (exception instanceof PerdureProblemException) return new PerdureProblemFilter().catch(exception, host);
    // oxlint-disable-next-line promise/valid-params -- this is no promise
    super.catch(exception, host);
    return undefined;
  }
}
