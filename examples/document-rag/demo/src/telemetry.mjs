/** Loaded before a service: `node --import telemetry.mjs`. Traces go to OTEL_EXPORTER_OTLP_ENDPOINT. */
import { hostname } from 'node:os';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { durable } from '@perdure/otel';

const resource = resourceFromAttributes({ 'service.name': 'document-rag', 'host.name': hostname() });
new NodeTracerProvider({ resource, ...durable({ flushOnSigterm: false }) }).register();
