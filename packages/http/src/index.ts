export { createHttp } from './web.js';
export type { WebHttp, WebOptions } from './web.js';
export { HostedHttp } from './hosted/hosted-http.js';
export type { Hosting } from './hosted/hosted-http.js';
export type { Launch } from './hosted/shared-engine.js';
export type {
  Authorize,
  HttpOptions,
  Published,
  ResolvedRoute,
  RouteOptions,
  RunAction,
  RunEvent,
  RunEvents,
} from './options.js';
export type { FingerprintOptions } from './fingerprint.js';

export { currentRequest, logContext, requestCarrier } from './request-context.js';
export type { RequestContext } from './scope.js';

export {
  isResponseRecord,
  omittedRecord,
  recordOf,
  recordOfValue,
  replayedHeaders,
  reply,
  valueOfResult,
} from './stored-response.js';
export type { Omitted, ResponseRecord } from './stored-response.js';
export { HttpProblem, problemOf, problemResponse } from './problem.js';
export type { ProblemCode } from './problem.js';

export { publishedEvents } from './published-events.js';
export { Idempotency } from './idempotency.js';
export type { RunEndpoints } from './run-endpoints.js';
export type { Answer } from './answer.js';
export { responseOfAnswer } from './answer.js';
export type { HttpExchange, Payload } from './exchange.js';
export type { HttpResponse } from './http-response.js';
export { toWebResponse } from './http-response.js';
export { httpWorkflows } from './http-workflows.js';
export { corsHeaders, openApiFragment } from './publication.js';
