import {
  context,
  type Context,
  INVALID_SPAN_CONTEXT,
  type Span,
  type SpanContext,
  type SpanOptions,
  trace,
  type Tracer,
} from '@opentelemetry/api';
import { GuardedSpan, type OnTrouble } from './guarded-span.js';

/**
 * A tracer that never throws, and neither do its spans: samplers and span processors are an application's own code, and
 * whether a run succeeds does not depend on who listens.
 */
export class GuardedTracer implements Tracer {
  readonly startActiveSpan: Tracer['startActiveSpan'];
  readonly #tracer: Tracer;
  readonly #onTrouble: OnTrouble;

  constructor(tracer: Tracer, onTrouble: OnTrouble) {
    this.startActiveSpan = tracer.startActiveSpan.bind(tracer);
    this.#tracer = tracer;
    this.#onTrouble = onTrouble;
  }

  startSpan(name: string, options: SpanOptions = {}, around: Context = context.active()): Span {
    try {
      return new GuardedSpan(this.#tracer.startSpan(name, options, around), this.#onTrouble);
    } catch (error) {
      this.#onTrouble(error);
      return trace.wrapSpanContext(above(options, around));
    }
  }
}

/** Where there is no span, what would be below it hangs on the one above, as it does without an SDK. */
const above = ({ root = false }: SpanOptions, around: Context): SpanContext =>
  (root ? undefined : trace.getSpanContext(around)) ?? INVALID_SPAN_CONTEXT;

/** A context in which a span is the active one: as its SDK made it, whose other parts ask it for more than the API has. */
export function activating(span: Span, around: Context): Context {
  return trace.setSpan(around, span instanceof GuardedSpan ? span.original : span);
}
