import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import { sendResponse } from '@perdure/http/node';
import { type Observable, throwError } from 'rxjs';
import { PerdureProblemException } from './http-errors.js';
import { type NestResponse, takeRaw } from './nest-exchange.js';

/**
 * Sends what is wrong with a request as `application/problem+json`, and to callers that use no HTTP the same members. A filter of the application that catches everything,
 * or {@link PerdureProblemException}, comes before it.
 */
@Catch(PerdureProblemException)
export class PerdureProblemFilter implements ExceptionFilter<PerdureProblemException> {
  catch(exception: PerdureProblemException, host: ArgumentsHost): Observable<never> | PerdureProblemException | void {
    const type = host.getType<string>();
    if (type === 'http') sendResponse(takeRaw(host.switchToHttp().getResponse<NestResponse>()), exception.rendered);
    // What Nest sends for a message, where it would take this for an error that nobody expected.
    else if (type === 'rpc') return throwError(() => exception.getResponse());
    // GraphQL takes an error that it is given for one that was thrown.
    else return exception;
  }
}
