export { expressAdapter } from './express-adapter.js';
export type { ExpressHttp, ExpressOptions, ExpressRouteOptions } from './express-adapter.js';
export { currentRequest, HttpProblem, httpWorkflows, logContext, reply, requestCarrier } from '@perdure/http';
export type { CloseOptions } from '@perdure/http/node';
