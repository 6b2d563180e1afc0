import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { spanIdsInProcess } from '@perdure/core/internal';

type SentStarts = NonNullable<ReturnType<typeof spanIdsInProcess>['sentStarts']>;

/** As many starts may be under way, or wait to be sent. */
const startsMax = 10_000;

/**
 * Which starts of this process have been sent. Other processes execute what was started here while its span is still on its
 * way: if this one dies, they have to know whether it arrived.
 */
export class StartAccount implements SentStarts {
  readonly listeners = new Set<() => void>();
  /** When each was made, by the id of its span. */
  readonly #underWay = new Map<string, number>();
  /** Those that have ended, in the order in which they are sent. */
  readonly #ended = new Map<string, number>();

  readonly oldestUnsent = (): number | null => {
    const all = [...this.#underWay.values(), ...this.#ended.values()];
    return all.length === 0 ? null : all.reduce((oldest, at) => Math.min(oldest, at));
  };

  readonly forget = (spanId: string): void => void this.#underWay.delete(spanId);

  started(span: ReadableSpan): void {
    if (isStart(span)) remember(this.#underWay, span);
  }

  /** @param isSent whether it goes to the exporter at all */
  ended(span: ReadableSpan, isSent: boolean): void {
    const isOpen = this.#underWay.delete(span.spanContext().spanId);
    if (isOpen && isSent) remember(this.#ended, span);
  }

  /** An exporter that keeps this account. What it could not send is lost with all that came before it, and not waited for. */
  keptBy(exporter: SpanExporter): SpanExporter {
    return {
      export: (spans, done) =>
        exporter.export(spans, (result) => {
          this.#sent(spans);
          done(result);
        }),
      shutdown: () => exporter.shutdown(),
      forceFlush: async () => await exporter.forceFlush?.(),
    };
  }

  #sent(spans: readonly ReadableSpan[]): void {
    const ids = new Set(spans.map((span) => span.spanContext().spanId));
    const known = [...this.#ended.keys()];
    const last = known.findLastIndex((id) => ids.has(id));
    // In the order in which they ended, so that none before it is still to come.
    for (const id of known.slice(0, last + 1)) this.#ended.delete(id);
    if (spans.some(isForOthers)) for (const listener of this.listeners) listener();
  }
}

const isStart = ({ attributes }: ReadableSpan): boolean => 'perdure.start.kind' in attributes;

/** In a queue, or without a version: any process may take it. */
const isForOthers = (span: ReadableSpan): boolean =>
  isStart(span) && ('messaging.destination.name' in span.attributes || span.attributes['perdure.app.version'] === '');

function remember(starts: Map<string, number>, span: ReadableSpan): void {
  const [seconds, nanoseconds] = span.startTime;
  starts.set(span.spanContext().spanId, seconds * 1_000 + Math.floor(nanoseconds / 1_000_000));
  const [oldest] = starts.keys();
  if (starts.size > startsMax && oldest !== undefined) starts.delete(oldest);
}
