import { context, propagation, trace } from '@opentelemetry/api';
import { currentRun, queue, receive, schedule, send, sleep, type Slot, step, workflow } from '@perdure/core';
import { describe, expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { connectClient, freshDatabase, launchEngine, testEngine } from '../support/engines.js';
import { treeOf } from './jaeger-rules.js';
import type { ReceivedSpan } from './received-span.js';
import { inRequest, RegisteredSdk } from './registered.js';

const { open } = databases[0]!;

const shapeOf = (spans: readonly ReceivedSpan[]): string => treeOf(spans, 'name').replaceAll(/ +$/gm, '');

/** What an attribute is called, and what it is, where that is the same each time. */
const attributesOf = ({ attributes }: ReceivedSpan): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(attributes)
      .filter(([name]) => name !== 'perdure.executor.id' && name !== 'perdure.app.version')
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );

describe('the spans of a run', () => {
  it('hang on anchors that have ended, with the bar of the run beside its steps', async () => {
    const sdk = await RegisteredSdk.create();
    const child = workflow('child', () => step.run('label', () => 1));
    const work = workflow('work', async () => {
      await step.run('reserve', () => inRequest('inner', async () => 1));
      await sleep(1);
      return await child();
    });
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [work, child] });
    await inRequest('POST /orders', () => work.with({ engine: perdure, workflowId: 'w' })());
    await expect.poll(() => sdk.open.size).toBe(0);
    expect(shapeOf(await sdk.spans())).toBe(
      [
        'POST /orders [SERVER]',
        '  start work [PRODUCER]',
        '    run work [CONSUMER]',
        '      await child [INTERNAL]',
        '      execute work [INTERNAL]',
        '      sleep [INTERNAL]',
        '      start child [PRODUCER]',
        '        run child [CONSUMER]',
        '          execute child [INTERNAL]',
        '          step label [INTERNAL]',
        '      step reserve [INTERNAL]',
        '        inner [SERVER]',
      ].join('\n'),
    );
    expect(await sdk.view()).toMatchObject({ traces: 1, orphans: [], incomplete: [], duplicates: [], skewed: [] });
    const [start] = await sdk.named('start work');
    const [run] = await sdk.named('run work');
    const [bar] = await sdk.named('execute work');
    const [reserve] = await sdk.named('step reserve');
    const of = { 'perdure.workflow.id': 'w', 'perdure.workflow.name': 'work' };
    expect(attributesOf(start!)).toEqual({ ...of, 'perdure.start.kind': 'inline' });
    expect(attributesOf(run!)).toEqual({
      ...of,
      'perdure.attempt': 1,
      'perdure.run.reason': 'new',
      'perdure.replayed_steps': 0,
    });
    expect(attributesOf(bar!)).toEqual({ ...of, 'perdure.outcome': 'completed' });
    expect(attributesOf(reserve!)).toEqual({
      ...of,
      'code.function.name': 'reserve',
      'perdure.outcome': 'committed',
      'perdure.step.name': 'reserve',
      'perdure.step.seq': 0,
      'perdure.step.try': 1,
    });
    expect(run!.links).toEqual([{ traceId: start!.traceId, spanId: start!.spanId }]);
    const lengths = ['start work', 'run work', 'start child', 'run child'].map(async (name) => {
      const [anchor] = await sdk.named(name);
      return Number(anchor!.endNs - anchor!.startNs);
    });
    expect(await Promise.all(lengths)).toEqual([0, 1_000, 2_000, 3_000]);
    expect((await sdk.spans()).map(({ status }) => status)).not.toContain('ok');
  });

  it('have one for each try of a step; only what failed in the end is an error of the run', async () => {
    const sdk = await RegisteredSdk.create();
    const work = workflow('work', () =>
      step.run(
        'charge',
        () => {
          if (currentRun()?.step?.attempt === 1) throw new TypeError('secret');
        },
        { retries: 1, backoff: { initial: 1 } },
      ),
    );
    const failing = workflow('failing', () =>
      step.run('charge', () => {
        throw new RangeError('secret');
      }),
    );
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [work, failing] });
    await work.with({ engine: perdure })();
    await expect(failing.with({ engine: perdure })()).rejects.toThrow('secret');
    await expect.poll(() => sdk.open.size).toBe(0);
    const facts = (await sdk.spans())
      .filter(({ name }) => name === 'step charge' || name.startsWith('execute'))
      .map(({ name, status, attributes }) => [
        name,
        status,
        attributes['perdure.step.try'],
        attributes['perdure.outcome'],
        attributes['error.type'],
      ]);
    expect(facts.sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)))).toEqual([
      ['execute failing', 'error', undefined, 'failed', 'RangeError'],
      ['execute work', 'unset', undefined, 'completed', undefined],
      ['step charge', 'error', 1, 'failed', 'RangeError'],
      ['step charge', 'error', 1, 'failed', 'TypeError'],
      ['step charge', 'unset', 2, 'committed', undefined],
    ]);
  });

  it('are none for what a replay repeats, and tell each attempt and what was lost', async () => {
    const sdk = await RegisteredSdk.create();
    const work = workflow('work', async () => {
      await step.run('first', () => 1);
      trace.getActiveSpan()?.addEvent('passed');
      await step.run('second', () => 2);
    });
    const engine = await testEngine(await freshDatabase(open), { workflows: [work] });
    const crashed = engine.crashAfter(2);
    await inRequest('POST /orders', () => work.with({ workflowId: 'w', engine: engine.perdure }).start());
    await crashed;
    await engine.restart();
    await engine.perdure.run('w').result();
    const runs = await sdk.named('run work');
    expect(runs.map(({ attributes }) => [attributes['perdure.attempt'], attributes['perdure.run.reason']])).toEqual([
      [1, 'new'],
      [2, 'recovery'],
    ]);
    expect((await sdk.named('execute work')).map(({ events }) => events)).toEqual([['passed'], []]);
    expect(await sdk.named('execute work (lost)')).toMatchObject([{ status: 'error' }]);
    const committed = (await sdk.spans()).filter(({ attributes }) => attributes['perdure.outcome'] === 'committed');
    const names = committed.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(await sdk.view()).toMatchObject({ traces: 1, orphans: [], duplicates: [] });
  });

  it('have what the function says of the current span in the bar, once, and what it starts under the anchor', async () => {
    const sdk = await RegisteredSdk.create();
    const work = workflow('work', async () => {
      const active = trace.getActiveSpan()!;
      active.setAttribute('shop.tier', 'gold').addEvent('begun').updateName('other').end();
      trace.getTracer('own').startSpan('own').end();
      await Promise.all([step.run('a', traceIdHere), step.run('b', async () => await later())]);
      const race = await Promise.race([step.run('c', traceIdHere), sleep('1h')]);
      return [traceIdHere(), race];
    });
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [work] });
    const ids = await inRequest('POST /orders', () => work.with({ engine: perdure })());
    await perdure.shutdown();
    const [bar] = await sdk.named('execute work');
    expect(bar).toMatchObject({ attributes: { 'shop.tier': 'gold' }, events: ['begun'] });
    const [own] = await sdk.named('own');
    const [run] = await sdk.named('run work');
    expect(own!.parentSpanId).toBe(run!.spanId);
    expect(ids).toEqual([run!.traceId, run!.traceId]);
  });

  it('link the receiver of a message to the sender, and who cancels to the run', async () => {
    const sdk = await RegisteredSdk.create();
    const listener = workflow('listener', async () => {
      await receive('approval');
      await receive('never');
    });
    const sender = workflow('sender', () => send('l', 'approval', 'secret'));
    const test = await freshDatabase(open);
    const perdure = await launchEngine(test, { workflows: [listener, sender] });
    const run = await inRequest('POST /l', () => listener.with({ engine: perdure, workflowId: 'l' }).start());
    await inRequest('POST /s', () => sender.with({ engine: perdure })());
    await expect.poll(() => sdk.named('receive approval')).toHaveLength(1);
    await inRequest('DELETE /l', () => run.cancel());
    await expect(run.result()).rejects.toThrow();
    await expect.poll(() => sdk.open.size).toBe(0);
    const [sent] = await sdk.named('send approval');
    const [received] = await sdk.named('receive approval');
    expect(received!.links).toEqual([{ traceId: sent!.traceId, spanId: sent!.spanId }]);
    expect([sent!.kind, received!.kind]).toEqual(['PRODUCER', 'CONSUMER']);
    const [start] = await sdk.named('start listener');
    const [cancel] = await sdk.named('cancel');
    expect(cancel!.links).toEqual([{ traceId: start!.traceId, spanId: start!.spanId }]);
    expect((await sdk.named('execute listener'))[0]!.attributes['perdure.outcome']).toBe('cancelled');
    expect((await sdk.view()).orphans).toEqual([]);
  });

  it('say of a second start that it found the run of the first', async () => {
    const sdk = await RegisteredSdk.create();
    const work = workflow('work', async () => 1);
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [work] });
    await work.with({ engine: perdure, workflowId: 'w' })();
    await work.with({ engine: perdure, workflowId: 'w' })();
    const [first, second] = await sdk.named('start work');
    expect(second!.attributes['perdure.deduplicated']).toBe(true);
    expect(second!.links).toEqual([{ traceId: first!.traceId, spanId: first!.spanId }]);
    expect(await sdk.named('run work')).toHaveLength(1);
  });

  it('go through a queue and a client without an engine in one trace', async () => {
    const sdk = await RegisteredSdk.create();
    const line = queue('line');
    const work = workflow('work', async () => await step.run('inside', traceIdHere));
    const test = await freshDatabase(open);
    const perdure = await launchEngine(test, { workflows: [work] });
    const client = await connectClient(test);
    const seen = await inRequest('POST /orders', async () => {
      const run = await client.workflow<typeof work>('work').with({ queue: line }).start();
      return await run.result();
    });
    await perdure.shutdown();
    const [start] = await sdk.named('start work');
    expect(start!.attributes).toMatchObject({ 'perdure.start.kind': 'queue', 'messaging.destination.name': 'line' });
    expect((await sdk.named('run work'))[0]!.attributes['perdure.queue.wait']).toBeGreaterThanOrEqual(0);
    expect(seen).toBe(start!.traceId);
    expect(await sdk.view()).toMatchObject({ traces: 1, orphans: [], roots: ['POST /orders'] });
  });

  it('say how long a run waited in its queue after it was due', async () => {
    const sdk = await RegisteredSdk.create();
    const line = queue('line');
    const work = workflow('work', async () => 1);
    const { perdure } = await testEngine(await freshDatabase(open), { workflows: [work] });
    const run = await line.with({ engine: perdure, delay: '1h' }).enqueue(work);
    await run.result();
    await expect.poll(() => sdk.open.size).toBe(0);
    const waitedS = (await sdk.named('run work'))[0]!.attributes['perdure.queue.wait'];
    expect(waitedS).toBeGreaterThanOrEqual(0);
    expect(waitedS).toBeLessThan(3_600);
  });

  it('end for good when a run is parked, and go on with another anchor when it wakes', async () => {
    const sdk = await RegisteredSdk.create();
    const work = workflow('work', () => receive('go'));
    const options = { workflows: [work], parkAfter: '100ms', poll: 100 } as const;
    const perdure = await launchEngine(await freshDatabase(open), options);
    const run = await work.with({ engine: perdure }).start();
    await expect.poll(() => perdure.health().runs).toBe(0);
    await expect.poll(() => sdk.open.size).toBe(0);
    await perdure.send(run, 'go', null);
    await run.result();
    await expect.poll(() => sdk.open.size).toBe(0);
    const reasons = (await sdk.named('run work')).map(({ attributes }) => attributes['perdure.run.reason']);
    expect(reasons).toEqual(['new', 'resume']);
    const fates = (await sdk.named('execute work')).map(({ attributes }) => attributes['perdure.outcome']);
    expect(fates).toEqual(['suspended', 'completed']);
    expect(await sdk.view()).toMatchObject({ orphans: [], skewed: [], roots: ['start work', 'send go'] });
  });

  it('begin a trace of their own for each attempt where that is asked for, and only whole runs', async () => {
    const sdk = await RegisteredSdk.create();
    const work = workflow('work', () => step.run('first', () => 1));
    const tracing = { trace: 'link', steps: false } as const;
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [work], tracing });
    await inRequest('POST /orders', () => work.with({ engine: perdure })());
    await perdure.shutdown();
    const [start] = await sdk.named('start work');
    const [run] = await sdk.named('run work');
    expect(run).toMatchObject({ parentSpanId: null, links: [{ traceId: start!.traceId, spanId: start!.spanId }] });
    expect(await sdk.named('step first')).toEqual([]);
    expect(await sdk.view()).toMatchObject({ traces: 2, orphans: [], incomplete: [] });
  });

  it('are split from a trace that has been at rest for long', async () => {
    const sdk = await RegisteredSdk.create();
    const work = workflow('work', () => receive('go'));
    const test = await freshDatabase(open);
    const options = { workflows: [work], parkAfter: '100ms', poll: 100, tracing: { splitAfter: '6h' } } as const;
    const perdure = await launchEngine(test, options);
    const run = await work.with({ engine: perdure }).start();
    await expect.poll(() => perdure.health().runs).toBe(0);
    await test.administer(`update ${test.schema}.runs set created_at = created_at - interval '7 hours'`);
    await perdure.send(run, 'go', null);
    await run.result();
    await perdure.shutdown();
    const [first, second] = await sdk.named('run work');
    expect(second).toMatchObject({ parentSpanId: null, links: first!.links });
    expect(second!.attributes['perdure.previous.trace_id']).toBe(first!.traceId);
    expect((await sdk.view()).incomplete).toEqual([]);
  });

  it('are none, and yet the context travels, where the caller is not sampled', async () => {
    const sdk = await RegisteredSdk.create({ isSampled: false });
    const child = workflow('child', () => step.run('inside', traceIdHere));
    const work = workflow('work', () => child());
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [work, child] });
    const [traceId, seen] = await inRequest('POST /orders', async (span) => [
      span.spanContext().traceId,
      await work.with({ engine: perdure })(),
    ]);
    expect(seen).toBe(traceId);
    expect(await sdk.spans()).toEqual([]);
  });

  it('carry the entries of the baggage that are allowed, and no others', async () => {
    await RegisteredSdk.create();
    const work = workflow('work', () =>
      step.run('inside', () =>
        propagation
          .getActiveBaggage()
          ?.getAllEntries()
          .map(([name, { value }]) => [name, value]),
      ),
    );
    const tracing = { baggage: ['tenant'] };
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [work], tracing });
    const baggage = propagation.createBaggage({ tenant: { value: 'acme & co' }, token: { value: 'secret' } });
    const entries = await context.with(propagation.setBaggage(context.active(), baggage), () =>
      work.with({ engine: perdure })(),
    );
    expect(entries).toEqual([['tenant', 'acme & co']]);
  });

  it('are roots where a schedule starts the run', async () => {
    const sdk = await RegisteredSdk.create();
    const work = workflow('work', async (_slot: Slot) => 1);
    schedule('often', { every: '1s' }, work);
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [work] });
    await expect.poll(() => sdk.named('execute work')).not.toEqual([]);
    await perdure.shutdown();
    const [start] = await sdk.named('start work');
    expect(start).toMatchObject({ parentSpanId: null, attributes: { 'perdure.start.kind': 'schedule' } });
    expect((await sdk.view()).orphans).toEqual([]);
  });
});

function traceIdHere(): string | undefined {
  return trace.getActiveSpan()?.spanContext().traceId;
}

async function later(): Promise<string | undefined> {
  await new Promise((resolve) => setImmediate(resolve));
  return traceIdHere();
}
