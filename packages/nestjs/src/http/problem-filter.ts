import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import { sendResponse } from '@perdure/http/node';
import { PerdureProblemException } from './http-errors.js';
import { type NestResponse, takeRaw } from './nest-exchange.js';

/**
 * Sends what is wrong with a request as `application/problem+json`. A filter of the application that catches everything,
 * or {@link PerdureProblemException}, comes before it.
 */
@Catch(PerdureProblemException)
export class PerdureProblemFilter implements ExceptionFilter<PerdureProblemException> {
  catch({ rendered }: PerdureProblemException, host: ArgumentsHost): void {
    if (host.getType() !== 'http') return;
    sendResponse(takeRaw(host.switchToHttp().getResponse<NestResponse>()), rendered);
  }
}
