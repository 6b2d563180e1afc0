export { nextAdapter } from './next-adapter.js';
export type { ActionOptions, CronOptions, NextHttp, NextOptions, RouteContext, WorkerMode } from './next-http.js';
export { currentRequest, HttpProblem, httpWorkflows, logContext, reply, requestCarrier } from '@perdure/http';
