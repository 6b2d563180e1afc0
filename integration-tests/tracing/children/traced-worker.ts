/** A process that serves requests and executes runs, with an SDK of OpenTelemetry as an application would set it up. */
import { SpanKind, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { AlwaysOffSampler, AlwaysOnSampler, ParentBasedSampler } from '@opentelemetry/sdk-trace-base';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { Perdure } from '@perdure/core';
import { durable } from '@perdure/otel';
import type { TracedMessage, TracedOptions, TracedQuestion } from '../traced-process.js';
import { defineShop } from './shop.js';

const options = JSON.parse(process.argv[2]!) as TracedOptions;
const provider = register();
const tell = (message: TracedMessage): void => void process.send!(message);

let go: () => void = () => {};
const { checkout, place, ship, settle } = defineShop(async (step) => {
  if (!options.gates.includes(step)) return;
  if (options.flushesAtGates) await provider?.forceFlush();
  tell({ kind: 'at', gate: step });
  await new Promise<void>((resolve) => (go = resolve));
});

const perdure = await Perdure.launch({
  databaseUrl: options.url,
  schema: options.schema,
  workflows: [checkout, place, ship, settle],
  queues: options.queues,
  lease: options.leaseMs,
  poll: 100,
});

process.on('message', (question: TracedQuestion) => {
  answer(question).catch((error: unknown) => tell({ kind: 'failed', message: String(error) }));
});
tell({ kind: 'ready', orders: await orders() });

/** Frameworks are loaded only where one is asked for. */
async function orders(): Promise<string | null> {
  if (options.framework === null) return null;
  const { serveOrders } = await import('./traced-server.js');
  return await serveOrders(perdure, options.framework, checkout);
}

async function answer(question: TracedQuestion): Promise<void> {
  switch (question.kind) {
    case 'request': {
      const { workflowId, queue, waits } = question;
      const bound = checkout.with({ workflowId, ...(queue === null ? {} : { queue }) });
      await inRequest('POST /orders', async () => {
        if (waits) {
          const value = await bound('order');
          tell({ kind: 'answer', value });
          return;
        }
        await bound.start('order');
        tell({ kind: 'started' });
      });
      return;
    }
    case 'settle':
      await inRequest('POST /settlements', async () => {
        await settle.with({ workflowId: question.workflowId }).start();
      });
      return;
    case 'go':
      go();
      return;
    case 'cancel':
      await inRequest('DELETE /orders', () => perdure.run(question.workflowId).cancel());
      return;
    case 'send':
      await inRequest('POST /approvals', () => perdure.send(question.workflowId, 'approval', 'yes'));
      return;
    case 'finish':
      await perdure.shutdown();
      await provider?.shutdown();
      process.exit(0);
  }
}

async function inRequest(name: string, handle: () => Promise<void>): Promise<void> {
  await trace.getTracer('http').startActiveSpan(name, { kind: SpanKind.SERVER }, async (span) => {
    try {
      await handle();
    } finally {
      span.end();
    }
  });
}

function register(): NodeTracerProvider | null {
  if (options.collector === null) return null;
  const exporter = new OTLPTraceExporter({ url: options.collector });
  const batch = new BatchSpanProcessor(exporter, { scheduledDelayMillis: options.batchDelayMs });
  const created = new NodeTracerProvider({
    resource: resourceFromAttributes({
      'service.name': 'shop',
      'service.instance.id': options.label,
      ...(options.host === null ? {} : { 'host.name': options.host }),
    }),
    sampler: new ParentBasedSampler({ root: options.isSampled ? new AlwaysOnSampler() : new AlwaysOffSampler() }),
    ...(options.level === 'otel' ? durable({ exporter }) : { spanProcessors: [batch] }),
  });
  created.register();
  return created;
}
