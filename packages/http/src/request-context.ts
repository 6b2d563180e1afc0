import { randomUUID } from 'node:crypto';
import { type Carrier, logContext as runContext } from '@perdure/core';
import { currentScope } from '@perdure/core/internal';
import { httpState } from './process-state.js';
import { isRequestScope, type RequestContext, type RequestScope } from './scope.js';

/** The request that the calling code works for, in a handler, a workflow or a step; undefined elsewhere. */
export function currentRequest(): RequestContext | undefined {
  const scope = currentScope();
  return (isRequestScope(scope) ? scope : httpState().scopes.getStore())?.context();
}

/**
 * Makes {@link currentRequest} answer in runs that were recovered by another process.
 *
 * @example
 * const perdure = await Perdure.launch({ carriers: [requestCarrier] });
 */
export const requestCarrier: Carrier<RequestContext> = {
  name: 'perdure.request',
  capture: () => currentRequest(),
  run: (context, fn) => httpState().scopes.run(scopeOf(context), fn),
};

/** The scope of work that goes on after its request. */
const scopeOf = (context: RequestContext): RequestScope => ({
  kind: 'http.request',
  starter: null,
  context: () => context,
  runIdFor: () => Promise.resolve(undefined),
});

/**
 * Fields for a logger: the `request_id`, and those of `logContext` in `@perdure/core`, which tell of the trace, the run and the
 * step. New at each call because loggers add to them.
 *
 * @example
 * const logger = pino({ mixin: logContext });
 */
export function logContext(): Record<string, unknown> {
  const request = currentRequest();
  return { ...(request === undefined ? {} : { request_id: request.requestId }), ...runContext() };
}

/** What of the headers goes into the context, each checked: they come from outside and go into logs. */
export function contextOfHeaders(header: (name: string) => string | null): RequestContext {
  const requestId = header('x-request-id');
  const traceparent = header('traceparent');
  const tracestate = header('tracestate');
  const isTraced = traceparent !== null && /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(traceparent);
  return {
    requestId: requestId !== null && /^[\w.:+/=@-]{1,128}$/.test(requestId) ? requestId : randomUUID(),
    ...(isTraced ? { traceparent } : {}),
    ...(isTraced && tracestate !== null && /^[\x20-\x7e]{1,512}$/.test(tracestate) ? { tracestate } : {}),
  };
}
