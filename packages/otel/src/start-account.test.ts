import type { Attributes } from '@opentelemetry/api';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { spanIdsInProcess } from '@perdure/core/internal';
import { expect, it, onTestFinished } from 'vitest';
import { durable } from './durable.js';

const [early, late] = [Date.parse('2030-01-01'), Date.parse('2030-01-02')];

/** An exporter that answers when it is told to, and the account that is kept of it. */
function arrange() {
  let isOver = false;
  const sending: ((result: { code: number }) => void)[] = [];
  const exporter = {
    export(_spans: unknown, done: (result: { code: number }) => void): void {
      if (isOver) done({ code: 1 });
      else sending.push(done);
    },
    shutdown: async () => {},
  };
  const provider = new BasicTracerProvider(durable({ exporter, flushOnSigterm: false }));
  const account = spanIdsInProcess().sentStarts!;
  let told = 0;
  account.listeners.add(() => (told += 1));
  onTestFinished(async () => {
    isOver = true;
    for (const done of sending.splice(0)) done({ code: 1 });
    Object.assign(spanIdsInProcess(), { exportDelayMs: null, sentStarts: null });
    await provider.shutdown();
  });
  const start = (startTime: number, attributes: Attributes) =>
    provider.getTracer('test').startSpan('start work', {
      startTime,
      attributes: { 'perdure.start.kind': 'handle', 'perdure.app.version': '1', ...attributes },
    });
  const isSending = async (): Promise<void> => {
    await expect.poll(() => sending.length).toBe(1);
  };
  return { account, start, isSending, answer: (code: number) => sending.shift()!({ code }), told: () => told };
}

it.each([
  ['in a queue', { 'messaging.destination.name': 'orders' }],
  ['for whoever has the workflow', { 'perdure.app.version': '' }],
])('says when a start %s was made until it was sent, and tells of that', async (_, attributes) => {
  const { account, start, isSending, answer, told } = arrange();
  const span = start(early, attributes);
  expect(account.oldestUnsent()).toBe(early);
  span.end();
  await isSending();
  expect([account.oldestUnsent(), told()]).toEqual([early, 0]);
  const later = start(late, attributes);
  answer(0);
  expect([account.oldestUnsent(), told()]).toEqual([late, 1]);
  later.end();
});

it('does not wait for what could not be sent, and tells nobody of starts that this process executes itself', async () => {
  const { account, start, isSending, answer, told } = arrange();
  start(early, {}).end();
  await isSending();
  answer(1);
  expect([account.oldestUnsent(), told()]).toEqual([null, 0]);
});

it('does not wait for a start that may never end, also if it does', async () => {
  const { account, start } = arrange();
  const span = start(early, {});
  account.forget(span.spanContext().spanId);
  expect(account.oldestUnsent()).toBeNull();
  span.end();
  expect(account.oldestUnsent()).toBeNull();
});
