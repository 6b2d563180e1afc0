import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import type { IdGenerator, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { spanIdsInProcess } from '@perdure/core/internal';
import { RunIdGenerator } from './run-id-generator.js';
import { RunSpanProcessor } from './run-span-processor.js';
import { StartAccount } from './start-account.js';

export interface DurableTracingOptions {
  /** Where spans go; by default OTLP over HTTP, to what `OTEL_EXPORTER_OTLP_ENDPOINT` says. */
  readonly exporter?: SpanExporter;
  /** Where all other spans have their ids from, if not from the SDK. */
  readonly idGenerator?: IdGenerator;
  /** Whether spans are sent before the process ends by SIGTERM; true by default. */
  readonly flushOnSigterm?: boolean;
}

/** A part of the configuration of `NodeSDK`, or of any tracer provider. */
export interface DurableTracing {
  readonly idGenerator: IdGenerator;
  readonly spanProcessors: SpanProcessor[];
}

/**
 * What a process made so long before its last sign of life has been exported. Anchors leave after 20 ms; the rest is for a
 * processor that is busy and a connection that has to be made first.
 */
const exportDelayMs = 1_000;

/**
 * Keeps the traces of runs whole when a process is killed: with these ids, the process that takes a run over says what the
 * killed one could not.
 *
 * @example
 * new NodeSDK({ serviceName: 'shop', ...durable() }).start();
 */
export function durable(options: DurableTracingOptions = {}): DurableTracing {
  const { exporter = new OTLPTraceExporter(), flushOnSigterm = true } = options;
  const starts = new StartAccount();
  Object.assign(spanIdsInProcess(), { exportDelayMs, sentStarts: starts });
  const processor = new RunSpanProcessor(exporter, starts);
  // The first to hear of it: listeners that are called once are gone when they have been.
  if (flushOnSigterm) process.prependOnceListener('SIGTERM', () => void flushBeforeEnd(processor));
  return { idGenerator: new RunIdGenerator(options.idGenerator), spanProcessors: [processor] };
}

/**
 * A signal that somebody listens to ends nothing by itself: where nobody else does, it is sent again. Who else does is known now,
 * and not later, when an application that shuts down in good order no longer listens and is not to be cut short.
 */
async function flushBeforeEnd(processor: SpanProcessor): Promise<void> {
  const endsByItself = process.listenerCount('SIGTERM') === 0;
  await Promise.race([
    processor.forceFlush().catch(() => {}),
    new Promise<void>((resolve) => setTimeout(resolve, 2_000).unref()),
  ]);
  if (endsByItself) process.kill(process.pid, 'SIGTERM');
}
