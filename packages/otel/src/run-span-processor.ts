import type { Context } from '@opentelemetry/api';
import {
  BatchSpanProcessor,
  type ReadableSpan,
  type Span,
  type SpanExporter,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { spanIdsInProcess } from '@perdure/core/internal';
import type { StartAccount } from './start-account.js';

/** What other processes' spans hang on leaves at once; everything else can wait for company. */
const anchorDelayMs = 20;
const delayMs = 1_000;

/** As many requests, and as many steps, may be under way. */
const openMax = 10_000;

/** How long a shutdown waits for a collector that does not answer. */
const shutdownMs = 2_000;

/** Sends the spans that runs hang on ahead of the others, so that a process that is killed takes next to none along. */
export class RunSpanProcessor implements SpanProcessor {
  readonly #starts: StartAccount;
  readonly #anchors: SpanProcessor;
  readonly #others: SpanProcessor;

  readonly #givenAway = spanIdsInProcess().givenAway;
  /** Spans that are open and that starts hang on: requests, for the most part. */
  readonly #callers = new Set<string>();
  /** Spans that others hang on which may have left already: steps are among them, with the calls that were made in them. */
  readonly #parents = new Set<string>();

  constructor(exporter: SpanExporter, starts: StartAccount) {
    this.#starts = starts;
    this.#anchors = new BatchSpanProcessor(starts.keptBy(exporter), { scheduledDelayMillis: anchorDelayMs });
    this.#others = new BatchSpanProcessor(exporter, { scheduledDelayMillis: delayMs });
  }

  onStart(span: Span, parentContext: Context): void {
    this.#starts.started(span);
    this.#anchors.onStart(span, parentContext);
  }

  onEnd(span: ReadableSpan): void {
    const isGivenAway = this.#givenAway.delete(span.spanContext().spanId);
    this.#starts.ended(span, !isGivenAway);
    if (isGivenAway) return;
    (this.#isAbove(span) ? this.#anchors : this.#others).onEnd(span);
  }

  async forceFlush(): Promise<void> {
    await this.#anchors.forceFlush();
    await this.#others.forceFlush();
  }

  /** Both have one exporter: nothing of either may be left when it is shut down. */
  async shutdown(): Promise<void> {
    const all = async (): Promise<void> => {
      await this.forceFlush().catch(() => {});
      await Promise.all([this.#anchors.shutdown(), this.#others.shutdown()]);
    };
    await within(shutdownMs, all());
  }

  #isAbove(span: ReadableSpan): boolean {
    const { attributes, parentSpanContext } = span;
    const { spanId } = span.spanContext();
    if (parentSpanContext !== undefined) {
      remember('perdure.start.kind' in attributes ? this.#callers : this.#parents, parentSpanContext.spanId);
    }
    const hasCalls = this.#parents.delete(spanId) && 'perdure.step.seq' in attributes;
    return this.#callers.delete(spanId) || hasCalls || isAnchor(span);
  }
}

/** A span in another process never ends here. */
function remember(open: Set<string>, spanId: string): void {
  open.add(spanId);
  const [oldest] = open;
  if (open.size > openMax && oldest !== undefined) open.delete(oldest);
}

function isAnchor({ attributes }: ReadableSpan): boolean {
  return ['perdure.start.kind', 'perdure.run.reason', 'perdure.synthetic'].some((name) => name in attributes);
}

async function within(limitMs: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  try {
    await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
    work.catch(() => {});
  }
}
