/**
 * OpenTelemetry's SDK, set up by hand. Import it before anything else: who loads `node:http` first is not instrumented, and an
 * engine that is launched first counts nothing. Where traces and metrics go is said by the usual variables:
 * `OTEL_EXPORTER_OTLP_ENDPOINT`, or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` and `OTEL_EXPORTER_OTLP_METRICS_ENDPOINT`.
 */
import { randomUUID } from 'node:crypto';
import { metrics } from '@opentelemetry/api';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { detectResources, envDetector, hostDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { durable } from '@perdure/otel';

const resource = detectResources({ detectors: [envDetector, hostDetector] }).merge(
  resourceFromAttributes({
    'service.name': process.env['OTEL_SERVICE_NAME'] ?? 'shop',
    // What tells the time series of two processes apart.
    'service.instance.id': randomUUID(),
  }),
);

// What a `kill -9` takes along is what was not sent yet: at most a second of it, and nothing that other spans hang on.
const tracing = new NodeTracerProvider({ resource, ...durable({ flushOnSigterm: false }) });
tracing.register();

const metering = new MeterProvider({
  resource,
  readers: [
    new PeriodicExportingMetricReader({
      exporter: new OTLPMetricExporter(),
      exportIntervalMillis: Number(process.env['OTEL_METRIC_EXPORT_INTERVAL'] ?? 15_000),
      exportTimeoutMillis: Number(process.env['OTEL_METRIC_EXPORT_TIMEOUT'] ?? 10_000),
    }),
  ],
});
metrics.setGlobalMeterProvider(metering);

registerInstrumentations({ instrumentations: [new HttpInstrumentation()] });

/** Sends what was not sent yet, before the process ends. */
export async function stopTelemetry(): Promise<void> {
  await Promise.allSettled([tracing.shutdown(), metering.shutdown()]);
}
