import { type Span as ApiSpan, SpanKind, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import type { RunHandle } from '@perdure/core';
import { awaitedByActiveSpan } from '@perdure/core/internal';
import { durable } from '@perdure/otel';
import type { JobTracing } from '../jobs.js';
import { ExportingClock } from './exporting-clock.js';
import type { Surroundings } from './stage.js';

/** Users who ask by requests, steps that call other services, and an SDK that sees it all: as in an application. */
export class TracedSurroundings implements Surroundings {
  readonly clock: ExportingClock;
  readonly #provider: NodeTracerProvider;
  readonly #callersWait: boolean;
  readonly #open = new Map<string, string>();
  readonly #exports = new Set<Promise<void>>();

  constructor(label: string, { collector, level, callersWait }: JobTracing) {
    this.#callersWait = callersWait;
    this.clock = new ExportingClock(() => this.#exportAll());
    const exporter = this.#watched(new OTLPTraceExporter({ url: collector }));
    // 6 s is what core reckons with where nobody has said how long spans wait; as time jumps, it makes no difference here.
    const batch = new BatchSpanProcessor(exporter, { scheduledDelayMillis: 50 });
    const own = level === 'otel' ? durable({ exporter, flushOnSigterm: false }) : { spanProcessors: [batch] };
    const counting = {
      onStart: (span: ReadableSpan) => void this.#open.set(span.spanContext().spanId, span.name),
      onEnd: (span: ReadableSpan) => {
        this.#open.delete(span.spanContext().spanId);
        this.clock.noteSpan();
      },
      forceFlush: async () => {},
      shutdown: async () => {},
    };
    this.#provider = new NodeTracerProvider({
      resource: resourceFromAttributes({
        'service.name': 'shop',
        'service.instance.id': label,
        // Jaeger compares the clocks of different hosts only.
        'host.name': `host of ${label}`,
      }),
      ...own,
      spanProcessors: [...own.spanProcessors, counting],
    });
    this.#provider.register();
  }

  async asked<T>(ask: () => Promise<T>): Promise<T> {
    return await this.#inRequest(async (span) => {
      try {
        return await ask();
      } finally {
        span.end();
      }
    });
  }

  async askedToStart(start: () => Promise<RunHandle<unknown>>): Promise<void> {
    if (!this.#callersWait) {
      await this.asked(start);
      return;
    }
    await this.#inRequest(async (span) => {
      const run = await awaitedByActiveSpan(start);
      run.result().then(
        () => span.end(),
        () => span.end(),
      );
    });
  }

  inStep<T>(body: () => T): T {
    trace.getTracer('http').startActiveSpan('POST', { kind: SpanKind.CLIENT }, (span) => span.end());
    return body();
  }

  /** @returns the names of the spans that are open */
  async close(): Promise<string[]> {
    await new Promise((resolve) => setImmediate(resolve));
    await this.#provider.shutdown();
    return [...this.#open.values()];
  }

  async #inRequest<T>(handle: (span: ApiSpan) => Promise<T>): Promise<T> {
    return await trace.getTracer('http').startActiveSpan('POST /asked', { kind: SpanKind.SERVER }, handle);
  }

  async #exportAll(): Promise<void> {
    await this.#provider.forceFlush();
    await Promise.all(this.#exports);
  }

  #watched(exporter: SpanExporter): SpanExporter {
    return {
      export: (spans, done) => {
        const exported = new Promise<void>((resolve) => {
          exporter.export(spans, (result) => {
            done(result);
            resolve();
          });
        });
        this.#exports.add(exported);
        void exported.then(() => this.#exports.delete(exported));
      },
      forceFlush: async () => await exporter.forceFlush?.(),
      shutdown: () => exporter.shutdown(),
    };
  }
}
