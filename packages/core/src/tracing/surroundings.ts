import { type Attributes, type Context, context, createContextKey, diag, trace } from '@opentelemetry/api';
import { GuardedSpan } from './guarded-span.js';

const awaited = createContextKey('perdure.awaited');

/** Calls something whose starts are waited for, to the end of the span that is active. */
export function awaitedByActiveSpan<T>(fn: () => T): T {
  return context.with(context.active().setValue(awaited, true), fn);
}

export const isAwaited = (active: Context): boolean => active.getValue(awaited) === true;

/** What an adapter says of the request in the span that the framework's instrumentation has made for it. */
export type RequestNotes = (attributes: Attributes) => void;

/** Of the span that is active now, also once another one is. */
export function notesOnActiveSpan(): RequestNotes {
  const active = trace.getActiveSpan();
  if (active === undefined) return () => {};
  const span = new GuardedSpan(active, (error) => diag.warn('A request could not be noted in its span', error));
  return (attributes) => void span.setAttributes(attributes);
}
