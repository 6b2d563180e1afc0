import { type Attributes, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { spanIdsInProcess } from '@perdure/core/internal';
import { expect, it, onTestFinished } from 'vitest';
import { durable } from './durable.js';

/** Ends a span with calls below it, and answers with what left the process first. */
async function firstOut(attributes: Attributes, calls: number): Promise<readonly string[]> {
  const sent: string[][] = [];
  const exporter = {
    export(spans: readonly { readonly name: string }[], done: (result: { code: number }) => void): void {
      sent.push(spans.map(({ name }) => name));
      done({ code: 0 });
    },
    shutdown: async () => {},
  };
  const provider = new BasicTracerProvider(durable({ exporter, flushOnSigterm: false }));
  onTestFinished(async () => {
    Object.assign(spanIdsInProcess(), { exportDelayMs: null, sentStarts: null });
    await provider.shutdown();
  });
  const tracer = provider.getTracer('test');
  const above = tracer.startSpan('above', { attributes });
  const within = trace.setSpan(ROOT_CONTEXT, above);
  for (let no = 0; no < calls; no += 1) tracer.startSpan('call', {}, within).end();
  above.end();
  await expect.poll(() => sent.length).toBeGreaterThan(0);
  return sent[0]!;
}

it('sends marks ahead of all others', async () => {
  expect(await firstOut({ 'perdure.run.reason': 'new' }, 1)).toEqual(['above']);
});

it('sends a step ahead of others if calls that were made in it may be on their way', async () => {
  expect(await firstOut({ 'perdure.step.seq': 0 }, 1)).toEqual(['above']);
});

it('lets everything else wait for company', async () => {
  expect(await firstOut({}, 2)).toEqual(['call', 'call', 'above']);
});
