import { context, type Context, type HrTime, type Span } from '@opentelemetry/api';
import { spanMoment } from '../seams/wall-clock.js';
import { activating } from './guarded-tracer.js';
import { markFailed } from './spans.js';
import type { Failure, OpenSpan } from './traced-run.js';

/** A span of something that a run does, or has waited for. */
export class LiveSpan implements OpenSpan {
  readonly #span: Span;
  readonly #around: Context;
  readonly #onEnd: (span: LiveSpan) => void;
  #endedAt: HrTime | number | null; // null = it goes on
  #hasFailed = false;
  #isEnded = false;

  /** @param endedAt when what it stands for was over; null = it begins now */
  constructor(span: Span, around: Context, endedAt: HrTime | null, onEnd: (span: LiveSpan) => void) {
    this.#span = span;
    this.#endedAt = endedAt;
    this.#around = activating(span, around);
    this.#onEnd = onEnd;
  }

  enter<T>(fn: () => T): T {
    return context.with(this.#around, fn);
  }

  over(failure: Failure | null): void {
    if (this.#isEnded) return;
    this.#endedAt ??= spanMoment();
    if (failure === null) return;
    this.#hasFailed = true;
    markFailed(this.#span, failure.error);
  }

  recorded(): void {
    this.#end(this.#hasFailed ? 'failed' : 'committed');
  }

  discard(): void {
    this.#end('discarded');
  }

  /** Leaves it open for ever, so that it is never exported: another process has said what there is to say. */
  forget(): void {
    this.#isEnded = true;
    this.#onEnd(this);
  }

  #end(fate: 'committed' | 'failed' | 'discarded'): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#span.setAttribute('perdure.outcome', fate);
    this.#span.end(this.#endedAt ?? undefined);
    this.#onEnd(this);
  }
}
