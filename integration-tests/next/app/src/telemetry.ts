import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { durable } from '@perdure/otel';

/** Where a test collects the spans of this process, if it does. */
const url = process.env['COLLECTOR'];

/** An SDK, of which Next knows as well as the packages, however they are bundled. */
export function register(): void {
  if (url === undefined) return;
  const resource = resourceFromAttributes({
    'service.name': 'shop',
    'service.instance.id': 'Next',
    'host.name': 'host of Next',
  });
  new NodeTracerProvider({ resource, ...durable({ exporter: new OTLPTraceExporter({ url }) }) }).register();
}
