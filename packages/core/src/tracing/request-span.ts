import { context, type Context, type Span, SpanKind, type SpanOptions, type Tracer } from '@opentelemetry/api';
import { activating } from './guarded-tracer.js';
import { encodeSender } from './sender.js';
import { linkTo, markFailed } from './spans.js';
import { contextOf, decodeTrace } from './stored-trace.js';

/** The span of something that is asked of another run: a message, a cancellation. */
export class RequestSpan {
  readonly #span: Span;
  readonly #around: Context;
  readonly #onEnd: (span: RequestSpan) => void;

  constructor(tracer: Tracer, name: string, options: SpanOptions, around: Context, onEnd: (span: RequestSpan) => void) {
    this.#span = tracer.startSpan(name, { kind: SpanKind.INTERNAL, ...options }, around);
    this.#around = activating(this.#span, around);
    this.#onEnd = onEnd;
  }

  /** What a message takes along. */
  get sender(): string {
    return encodeSender(this.#span.spanContext());
  }

  /** @param stored what is stored of the run's trace; null = nothing */
  linkToRun(stored: string | null): void {
    const found = decodeTrace(stored);
    if (found !== null) this.#span.addLink(linkTo(contextOf(found, found.anchors[0].spanId)));
  }

  /** Ends with what becomes of it. */
  async around<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await context.with(this.#around, ask);
    } catch (error) {
      markFailed(this.#span, error);
      throw error;
    } finally {
      this.end();
    }
  }

  /** Whoever asked hears no answer. */
  end(): void {
    this.#span.end();
    this.#onEnd(this);
  }
}
