export { PerdureModule } from './module/perdure-module.js';
export { PerdureRunner } from './module/perdure-runner.js';
export type { PerdureModuleExtras, PerdureModuleOptions } from './module/module-options.js';

export { Workflow } from './workflows/workflow-decorator.js';
export { Schedule } from './workflows/schedule-decorator.js';
export { Step } from './workflows/step-decorator.js';
export { WorkflowRequest } from './workflows/workflow-request.js';
export { WorkflowRegistry } from './workflows/workflow-registry.js';
export type { WorkflowClass, WorkflowOf } from './workflows/workflow-class.js';
export { DuplicateProviderError } from './errors.js';

export { InjectPerdure, InjectQueue, InjectWorkflow } from './inject-decorators.js';
export { getPerdureOptionsToken, getPerdureToken, getQueueToken, getWorkflowToken } from './tokens.js';

export { Durable, Idempotent } from './http/idempotent-decorator.js';
export type { NestRouteOptions } from './http/idempotent-decorator.js';
export type { CallOptions } from './calls/call-options.js';
export { IdempotencyInterceptor } from './http/idempotency-interceptor.js';
export { PerdureBindInterceptor } from './http/bind-interceptor.js';
export { PerdureProblemException } from './http/http-errors.js';
export { PerdureProblemFilter } from './http/problem-filter.js';
export { PerdureRunsModule } from './http/runs-module.js';
export type { PerdureRunsOptions } from './http/runs-module.js';

export { PerdureHealthError, PerdureHealthIndicator } from './health-indicator.js';
export type { PerdureHealthResult } from './health-indicator.js';

export { currentRequest, HttpProblem, httpWorkflows, logContext, reply, requestCarrier } from '@perdure/http';
export { contextLogger } from './module/context-logger.js';
