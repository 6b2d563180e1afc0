import { context, propagation, type Span, SpanKind, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  type IdGenerator,
  ParentBasedSampler,
  type Sampler,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { spanIdsInProcess } from '@perdure/core/internal';
import { durable } from '@perdure/otel';
import { onTestFinished } from 'vitest';
import { jaegerView, type JaegerView } from './jaeger-rules.js';
import type { ReceivedSpan } from './received-span.js';
import type { Receiver } from './receiver.js';
import { testReceiver } from './test-receiver.js';

interface SdkOptions {
  readonly level?: 'api' | 'otel';
  readonly isSampled?: boolean;
  /** Where all spans but those of runs have their ids from, at level `otel`. */
  readonly idGenerator?: IdGenerator;
  /** In the place of one that takes all, or nothing. */
  readonly sampler?: Sampler;
  /** Hears of all spans besides. */
  readonly processor?: SpanProcessor;
}

/** An SDK that is registered in this process for the running test, and the collector that it exports to. */
export class RegisteredSdk {
  readonly receiver: Receiver;
  readonly provider: NodeTracerProvider;
  /** The spans that were started and have not ended. */
  readonly open = new Set<unknown>();

  private constructor(receiver: Receiver, { level = 'api', isSampled = true, ...given }: SdkOptions) {
    this.receiver = receiver;
    const { idGenerator, processor } = given;
    const sampler = new ParentBasedSampler({ root: isSampled ? new AlwaysOnSampler() : new AlwaysOffSampler() });
    const exporter = new OTLPTraceExporter({ url: receiver.url });
    const batch = new BatchSpanProcessor(exporter, { scheduledDelayMillis: 60_000 });
    const own =
      level === 'otel'
        ? durable({ exporter, flushOnSigterm: false, ...(idGenerator && { idGenerator }) })
        : { spanProcessors: [batch] };
    this.provider = new NodeTracerProvider({
      resource: resourceFromAttributes({ 'service.name': 'shop', 'host.name': 'one' }),
      sampler: given.sampler ?? sampler,
      ...own,
      spanProcessors: [...own.spanProcessors, this.#counting(), ...(processor === undefined ? [] : [processor])],
    });
  }

  static async create(options: SdkOptions = {}): Promise<RegisteredSdk> {
    const sdk = new RegisteredSdk(await testReceiver(), options);
    sdk.provider.register();
    onTestFinished(async () => {
      for (const api of [trace, context, propagation]) api.disable();
      Object.assign(spanIdsInProcess(), { exportDelayMs: null, sentStarts: null });
      await sdk.provider.shutdown();
    });
    return sdk;
  }

  /** Everything that has ended by now. */
  async spans(): Promise<readonly ReceivedSpan[]> {
    await this.provider.forceFlush();
    return this.receiver.spans;
  }

  async named(name: string): Promise<ReceivedSpan[]> {
    return (await this.spans()).filter((span) => span.name === name);
  }

  async view(): Promise<JaegerView> {
    return jaegerView(await this.spans());
  }

  #counting(): SpanProcessor {
    return {
      onStart: (span) => void this.open.add(span),
      onEnd: (span) => void this.open.delete(span),
      forceFlush: async () => {},
      shutdown: async () => {},
    };
  }
}

/** Calls a function in a span of the user's, as a server of HTTP would. */
export function inRequest<T>(name: string, handle: (span: Span) => Promise<T>): Promise<T> {
  return trace.getTracer('http').startActiveSpan(name, { kind: SpanKind.SERVER }, async (span) => {
    try {
      return await handle(span);
    } finally {
      span.end();
    }
  });
}
