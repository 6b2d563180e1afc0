import type { RunStarter } from '@perdure/core/internal';

/**
 * What is known of the request that work is done for, also after the process that received it is gone. It is stored with
 * each run that the request starts, so it holds plain data only, and no secrets.
 */
export interface RequestContext {
  readonly requestId: string;
  readonly traceparent?: string;
  readonly tracestate?: string;
  /** What the option `context` adds: a tenant, a user, a locale. */
  readonly [field: string]: unknown;
}

/** What code that works for a request can know of it. */
export interface RequestScope {
  readonly kind: 'http.request';
  /** What runs are started with; null = whatever the engine has. */
  readonly starter: RunStarter | null;
  context(): RequestContext;
  /** The id for a run that is started now, in the order of the calls; undefined for a random one. */
  runIdFor(workflowName: string): Promise<string | undefined>;
}

/** By its form, because a process may have loaded this package more than once. */
export function isRequestScope(scope: object | null): scope is RequestScope {
  return scope !== null && (scope as Partial<RequestScope>).kind === 'http.request';
}
