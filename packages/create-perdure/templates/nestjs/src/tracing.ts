/** Imported before anything else. Traces go to http://localhost:4318, or to where OTEL_EXPORTER_OTLP_ENDPOINT says. */
import { hostname } from 'node:os';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { durable } from '@perdure/otel';

const resource = resourceFromAttributes({ 'service.name': 'shop', 'host.name': hostname() });
new NodeTracerProvider({ resource, ...durable() }).register();
