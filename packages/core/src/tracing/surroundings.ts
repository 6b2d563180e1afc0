import { type Attributes, type Context, context, createContextKey, trace } from '@opentelemetry/api';

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
  const span = trace.getActiveSpan();
  return (attributes) => void span?.setAttributes(attributes);
}
