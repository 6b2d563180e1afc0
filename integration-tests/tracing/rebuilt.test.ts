import { currentRun, queue, receive, RunNotFoundError, sleep, step, workflow } from '@perdure/core';
import { describe, expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { connectClient, freshDatabase, launchEngine, testEngine } from '../support/engines.js';
import { jaegerView, treeOf } from './jaeger-rules.js';
import { type ReceivedSpan, spansOf } from './received-span.js';
import { inRequest, RegisteredSdk } from './registered.js';

const { open } = databases[0]!;

const shapeOf = (spans: readonly ReceivedSpan[]): string => treeOf(spans, 'name').replaceAll(/ +$/gm, '');

const idsOf = (spans: readonly ReceivedSpan[], name: string): string[] =>
  spans.filter((span) => span.name === name).map(({ spanId }) => spanId);

describe.each(databases)('the trace of a run that is made from its history, on $name', ({ open }) => {
  it('has what happened, also where no SDK was registered', async () => {
    const line = queue('line');
    const child = workflow('child', () => step.run('label', () => 1));
    const work = workflow('work', async () => {
      await step.run(
        'charge',
        () => {
          if (currentRun()?.step?.attempt === 1) throw new TypeError('secret');
        },
        { retries: 1, backoff: { initial: 1 } },
      );
      await sleep(1);
      return await child.with({ queue: line })();
    });
    const test = await freshDatabase(open);
    const perdure = await launchEngine(test, { workflows: [work, child] });
    await work.with({ engine: perdure, workflowId: 'w' })();
    const client = await connectClient(test);
    const trace = await client.runs.trace('w', { serviceName: 'shop' });
    expect(await perdure.runs.trace('w', { serviceName: 'shop' })).toEqual(trace);
    const spans = spansOf(trace);
    expect(shapeOf(spans)).toBe(
      [
        'start work [PRODUCER]',
        '  run work [CONSUMER]',
        '    await child [INTERNAL]',
        '    execute work [INTERNAL]',
        '    sleep [INTERNAL]',
        '    start child [PRODUCER]',
        '      run child [CONSUMER]',
        '        execute child [INTERNAL]',
        '        step label [INTERNAL]',
        '    step charge [INTERNAL, ERROR]',
        '    step charge [INTERNAL]',
      ].join('\n'),
    );
    expect(jaegerView(spans)).toMatchObject({ traces: 1, orphans: [], incomplete: [], duplicates: [], skewed: [] });
    expect(spans[0]!.resource).toEqual({ 'service.name': 'shop', 'perdure.rebuilt': true });
    const tries = spans.filter(({ name }) => name === 'step charge').map(({ attributes }) => attributes);
    expect(tries).toMatchObject([
      { 'error.type': 'TypeError', 'perdure.step.try': 1, 'perdure.outcome': 'failed' },
      { 'perdure.step.try': 2, 'perdure.outcome': 'committed' },
    ]);
    expect(JSON.stringify(trace)).not.toContain('secret');
    expect(spansOf(await client.runs.trace('w', { children: false })).map(({ name }) => name)).not.toContain(
      'start child',
    );
    await expect(client.runs.trace('nobody')).rejects.toThrow(RunNotFoundError);
  });
});

describe('the trace of a run that is made from its history', () => {
  it('has the ids of the spans of steps, and a link to the trace that they were in', async () => {
    const sdk = await RegisteredSdk.create({ level: 'otel' });
    const work = workflow('work', async () => {
      await step.run('first', () => 1);
      await step.run('second', () => 2);
      await step.run('third', () => 3);
    });
    const engine = await testEngine(await freshDatabase(open), { workflows: [work] });
    const crashed = engine.crashAfter(2);
    await inRequest('POST /orders', () => work.with({ workflowId: 'w', engine: engine.perdure }).start());
    await crashed;
    await engine.restart();
    await engine.perdure.run('w').result();
    const rebuilt = spansOf(await engine.perdure.runs.trace('w'));
    const exported = await sdk.spans();
    for (const name of ['start work', 'execute work (lost)', 'step first', 'step third']) {
      expect(idsOf(exported, name)).toContain(idsOf(rebuilt, name)[0]);
    }
    const [start] = exported.filter(({ name }) => name === 'start work');
    expect(rebuilt[0]).toMatchObject({ links: [{ traceId: start!.traceId, spanId: start!.spanId }] });
    expect(rebuilt[0]!.traceId).not.toBe(start!.traceId);
    expect(rebuilt.filter(({ name }) => name === 'run work').map(({ attributes }) => attributes)).toMatchObject([
      { 'perdure.attempt': 1 },
      { 'perdure.attempt': 2 },
    ]);
    expect(jaegerView(rebuilt)).toMatchObject({ traces: 1, orphans: [], incomplete: [], duplicates: [], skewed: [] });
  });

  it('has a transactional step once for each time that it committed, also where only its transaction tells of it', async () => {
    const sdk = await RegisteredSdk.create({ level: 'otel' });
    let passes = 0;
    const work = workflow(
      'work',
      async () => {
        passes += 1;
        await step.transaction('pay', failsFirst, { retries: 1, backoff: { initial: 1 } });
        if (passes === 1) throw new Error('again');
        await receive('never');
      },
      { retries: 1, backoff: { initial: 1 } },
    );
    const test = await freshDatabase(open);
    const perdure = await launchEngine(test, { workflows: [work] });
    await work.with({ engine: perdure, workflowId: 'w' }).start();
    const exported = async () => idsOf(await sdk.spans(), 'step pay');
    await expect.poll(exported).toHaveLength(4);
    const rebuilt = async () => idsOf(spansOf(await perdure.runs.trace('w')), 'step pay');
    expect((await rebuilt()).sort()).toEqual((await exported()).sort());
    // As where the process died before it had recorded what it had committed.
    await test.administer(`
      delete from ${test.schema}.checkpoints c
      where kind = 'step' and position > (select position from ${test.schema}.checkpoints where kind = 'retry')`);
    expect((await rebuilt()).sort()).toEqual((await exported()).sort());
  });

  it('says of a sleep when it was to end, as its span does, also where nobody was there to wake', async () => {
    const sdk = await RegisteredSdk.create();
    const work = workflow('work', async () => await sleep('1h'));
    const engine = await testEngine(await freshDatabase(open), { workflows: [work] });
    const crashed = engine.crashAfter(1);
    await work.with({ workflowId: 'w', engine: engine.perdure }).start();
    await crashed;
    engine.clock.advance(7_200_000);
    await engine.restart();
    await engine.perdure.run('w').result();
    await expect.poll(() => sdk.open.size).toBe(0);
    const [slept] = await engine.perdure.runs.steps('w');
    const until = new Date(slept!.startedAt + 3_600_000).toISOString();
    expect(slept!.finishedAt! - slept!.startedAt).toBeGreaterThan(3_600_000);
    const told = [...(await sdk.named('sleep')), ...spansOf(await engine.perdure.runs.trace('w'))].filter(
      ({ name }) => name === 'sleep',
    );
    expect(told.map(({ attributes }) => attributes['perdure.wait.until'])).toEqual([until, until]);
  });

  it('ends where a run is that goes on', async () => {
    const work = workflow('work', async () => {
      await step.run('first', () => 1);
      await receive('never');
    });
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [work] });
    await work.with({ engine: perdure, workflowId: 'w' }).start();
    const names = async () => spansOf(await perdure.runs.trace('w')).map(({ name }) => name);
    await expect.poll(names).toEqual(['start work', 'run work', 'execute work', 'step first']);
    const [bar] = spansOf(await perdure.runs.trace('w')).filter(({ name }) => name === 'execute work');
    expect(bar).toMatchObject({ status: 'unset', attributes: { 'perdure.outcome': 'running' } });
  });
});

function failsFirst(): void {
  if (currentRun()?.step?.attempt === 1) throw new TypeError('first');
}
