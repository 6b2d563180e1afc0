import {
  type Context,
  type HrTime,
  type Link,
  type Span,
  type SpanContext,
  type SpanOptions,
  SpanStatusCode,
  type Tracer,
} from '@opentelemetry/api';
import { errorTypeOf } from '../errors/error-type.js';
import type { EpochMs } from '../seams/clock.js';
import { processState } from '../workflow/process-state.js';
import type { GivenIds } from './span-ids.js';

/** @param ids those that the span gets if an id generator that knows of it is set up; null = the SDK's own */
export function startSpan(
  tracer: Tracer,
  name: string,
  options: SpanOptions,
  context: Context,
  ids: GivenIds | null,
): Span {
  const { spanIds } = processState();
  spanIds.next = ids;
  try {
    return tracer.startSpan(name, options, context);
  } finally {
    spanIds.next = null;
  }
}

/**
 * An anchor is longer than the one above it, if only by a microsecond: Jaeger takes a span that begins after a longer one has
 * ended for one by a clock that is wrong.
 */
export function anchorEnd(startedAt: EpochMs, depth: number): HrTime {
  return [Math.floor(startedAt / 1_000), (startedAt % 1_000) * 1_000_000 + Math.min(depth, 900) * 1_000];
}

/** A span that has ended before anything hangs on it, and so cannot be lost while that remains. */
export function dropAnchor(
  tracer: Tracer,
  name: string,
  options: SpanOptions,
  context: Context,
  { startedAt, depth, ids }: { readonly startedAt: EpochMs; readonly depth: number; readonly ids: GivenIds | null },
): Span {
  const span = startSpan(tracer, name, { ...options, startTime: startedAt }, context, ids);
  span.end(anchorEnd(startedAt, depth));
  return span;
}

export const linkTo = (context: SpanContext): Link => ({ context });

/** A success stays unset: OK is the user's to say. The message of an error is not for traces: it may say what the input was. */
export function markFailed(span: Span, error: unknown): void {
  const type = errorTypeOf(() => error);
  span.setAttribute('error.type', type);
  span.setStatus({ code: SpanStatusCode.ERROR, message: type });
}
