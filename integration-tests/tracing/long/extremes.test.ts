import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { context, propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { step, workflow } from '@perdure/core';
import { expect, it } from 'vitest';
import { SystemClock } from '../../../packages/core/src/seams/system-clock.js';
import { decodeTrace } from '../../../packages/core/src/tracing/stored-trace.js';
import { Tracing } from '../../../packages/core/src/tracing/tracing.js';
import { resolveTracing } from '../../../packages/core/src/tracing/tracing-options.js';
import { SeededRandom } from '../../../packages/core/src/util/seeded-random.js';
import { databases } from '../../support/databases.js';
import { freshDatabase, launchEngine } from '../../support/engines.js';
import { RegisteredSdk } from '../registered.js';

const { open } = databases[0]!;
const run = { workflowId: 'w', name: 'work', version: '1', queue: null };

it('takes 100,000 requests with hostile headers, and stores no more than it may', async () => {
  await RegisteredSdk.create({ level: 'otel' });
  const random = new SeededRandom('hostile headers');
  const tracing = new Tracing(resolveTracing({ baggage: ['tenant', '__proto__'] }), new SystemClock(), console);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random.float() * from.length)]!;
  const noise = (): string =>
    Array.from({ length: Math.floor(random.float() * 40) }, () => String.fromCharCode(random.float() * 0x250)).join('');
  const hex = (length: number): string => Array.from({ length }, () => pick('0123456789abcdef'.split(''))).join('');
  const parents = [
    () => `00-${hex(32)}-${hex(16)}-01`,
    () => `00-${hex(32)}-${hex(16)}-ff`,
    () => `cc-${hex(32)}-${hex(16)}-01-${noise()}`,
    () => `00-${'0'.repeat(32)}-${hex(16)}-01`,
    () => `00-${hex(32)}-${hex(16)}`,
    noise,
  ];
  const states = [
    noise,
    () => `a=${'x'.repeat(5_000)}`,
    () => Array.from({ length: 40 }, (_, no) => `v${no}=1`).join(),
  ];
  const bags = [
    noise,
    () => `tenant=${noise()}`,
    () => `tenant=${'é'.repeat(3_000)}`,
    () => '__proto__=1;a=b,tenant=%',
  ];
  let continued = 0;
  for (let no = 0; no < 100_000; no += 1) {
    const [traceparent, tracestate, baggage] = [pick(parents)(), pick(states)(), pick(bags)()];
    const around = propagation.extract(ROOT_CONTEXT, { traceparent, tracestate, baggage });
    const start = context.with(around, () => tracing.start(tracing.capture('handle', null), run, null));
    start!.started({ isNew: true });
    const stored = decodeTrace(start!.stored);
    if (stored === null || start!.stored.length > 4_096) throw new Error(`${traceparent} ${tracestate} ${baggage}`);
    const given = trace.getSpanContext(around)?.traceId;
    if (given !== undefined && stored.traceId !== given) throw new Error(`${traceparent} was not continued`);
    if (given !== undefined) continued += 1;
  }
  expect(continued).toBeGreaterThan(10_000);
});

it('gives none of 100,000 spans of others an id of its own, while runs are executed', async () => {
  const own = 'cafe';
  let given = 0;
  const idGenerator = {
    generateTraceId: () => `${own}${String((given += 1)).padStart(28, '0')}`,
    generateSpanId: () => `${own}${String((given += 1)).padStart(12, '0')}`,
  };
  const sdk = await RegisteredSdk.create({ level: 'otel', idGenerator });
  const work = workflow('work', () => Promise.all([step.run('first', burst), step.run('second', burst)]));
  const perdure = await launchEngine(await freshDatabase(open), { workflows: [work] });
  const tracer = trace.getTracer('others');
  let others = 0;
  async function burst(): Promise<void> {
    for (let turn = 0; turn < 10; turn += 1) {
      for (let no = 0; no < 25; no += 1) {
        const span = tracer.startSpan('other', { root: no % 2 === 0 });
        if (!span.spanContext().spanId.startsWith(own)) throw new Error('a span of another has an id of a run');
        others += 1;
        span.end();
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  await Promise.all(Array.from({ length: 200 }, () => work.with({ engine: perdure })()));
  await perdure.shutdown();
  expect(others).toBe(100_000);
  const ofRuns = (await sdk.spans()).filter(({ name }) => name.startsWith('run ') || name.startsWith('step '));
  expect(ofRuns.length).toBeGreaterThan(0);
  expect(ofRuns.filter(({ spanId }) => spanId.startsWith(own))).toEqual([]);
});

it('keeps no more in memory the longer a collector is silent', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const sdk = await RegisteredSdk.create({ level: 'otel' });
  sdk.receiver.manner = 'is silent';
  const tracing = new Tracing(resolveTracing({}), new SystemClock(), console);
  async function heapAfter(starts: number): Promise<number> {
    for (let no = 0; no < starts; no += 1) {
      tracing.start(tracing.capture('handle', null), run, null)!.started({ isNew: true });
      if (no % 1_000 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    collect();
    return process.memoryUsage().heapUsed;
  }
  const early = await heapAfter(20_000);
  const late = await heapAfter(200_000);
  process.stdout.write(`heap after 20,000 starts ${early}, after 200,000 more ${late}\n`);
  expect(late - early).toBeLessThan(10_000_000);
});
