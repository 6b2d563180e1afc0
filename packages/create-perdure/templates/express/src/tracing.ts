/** Imported before anything else. Traces go to http://localhost:4318, or to where OTEL_EXPORTER_OTLP_ENDPOINT says. */
import { hostname } from 'node:os';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { durable } from '@perdure/otel';

const resource = resourceFromAttributes({ 'service.name': 'shop', 'host.name': hostname() });
const provider = new NodeTracerProvider({ resource, ...durable() });
provider.register();

/** Sends what was not sent yet; where nobody takes it, it gives up after 2 s. */
export async function stopTracing(): Promise<void> {
  await provider.shutdown();
}
