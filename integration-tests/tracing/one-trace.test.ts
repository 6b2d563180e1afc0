import { type Perdure, receive, step, workflow } from '@perdure/core';
import { describe, expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { freshDatabase, launchEngine, testEngine } from '../support/engines.js';
import { inRequest, RegisteredSdk } from './registered.js';

const { open } = databases[0]!;

const parking = { parkAfter: '100ms', poll: 100 } as const;

/** Waits until an engine has no run in memory. */
async function untilParked(perdure: Perdure): Promise<void> {
  await expect.poll(() => perdure.health().runs).toBe(0);
}

describe('a run whose start stored no trace', () => {
  it('is in one all the same, however often it is taken on', async () => {
    const sdk = await RegisteredSdk.create({ level: 'otel' });
    const work = workflow('work', () => receive('go'));
    const test = await freshDatabase(open);
    const perdure = await launchEngine(test, { workflows: [work], ...parking });
    await test.administer(`select ${test.schema}.start('work', '[]', workflow_id => 'w')`);
    await expect.poll(() => sdk.named('run work')).toHaveLength(1);
    await untilParked(perdure);
    await perdure.send('w', 'go', null);
    await perdure.run('w').result();
    await perdure.shutdown();
    const runs = await sdk.named('run work');
    expect(runs.map(({ attributes }) => attributes['perdure.run.reason'])).toEqual(['new', 'resume']);
    expect(new Set(runs.map(({ traceId }) => traceId)).size).toBe(1);
    expect(await sdk.view()).toMatchObject({ orphans: [], incomplete: [], duplicates: [] });
  });

  it('has what was lost with a process where the rest of that process is', async () => {
    const sdk = await RegisteredSdk.create({ level: 'otel' });
    let bodies = 0;
    const work = workflow('work', () =>
      step.run('charge', async () => {
        bodies += 1;
        await inRequest('POST payments', async () => {});
        if (bodies === 1) await new Promise(() => {});
      }),
    );
    const test = await freshDatabase(open);
    const engine = await testEngine(test, { workflows: [work] });
    await test.administer(`select ${test.schema}.start('work', '[]', workflow_id => 'w')`);
    await expect.poll(() => bodies).toBe(1);
    await engine.crash();
    await engine.restart();
    await engine.perdure.run('w').result();
    await engine.perdure.shutdown();
    expect(await sdk.named('step charge (interrupted)')).toHaveLength(1);
    expect(await sdk.view()).toMatchObject({ traces: 1, orphans: [], incomplete: [], duplicates: [] });
  });
});

describe('a run that goes on after a long pause', () => {
  it.each(['api', 'otel'] as const)(
    'does not go back to the trace that it had before, at level "%s"',
    async (level) => {
      const sdk = await RegisteredSdk.create({ level });
      const work = workflow('work', async () => {
        await receive('first');
        await receive('second');
      });
      const test = await freshDatabase(open);
      const tracing = { splitAfter: '6h' };
      const perdure = await launchEngine(test, { workflows: [work], ...parking, tracing });
      const run = await work.with({ engine: perdure }).start();
      await untilParked(perdure);
      await test.administer(`update ${test.schema}.runs set created_at = created_at - interval '7 hours'`);
      await perdure.send(run, 'first', null);
      await expect.poll(() => sdk.named('receive first')).toHaveLength(1);
      await untilParked(perdure);
      await perdure.send(run, 'second', null);
      await run.result();
      await perdure.shutdown();
      const [start] = await sdk.named('start work');
      const [before, ...after] = await sdk.named('run work');
      expect(before!.traceId).toBe(start!.traceId);
      const link = { traceId: start!.traceId, spanId: start!.spanId };
      expect(after).toMatchObject(Array.from({ length: 2 }, () => ({ parentSpanId: null, links: [link] })));
      const traces = new Set(after.map(({ traceId }) => traceId));
      expect(traces.has(start!.traceId)).toBe(false);
      expect(traces.size).toBe(level === 'otel' ? 1 : 2);
      expect(after.map(({ attributes }) => attributes['perdure.previous.trace_id'])).toEqual(
        after.map(() => link.traceId),
      );
      expect(await sdk.view()).toMatchObject({ orphans: [], incomplete: [], duplicates: [] });
    },
  );
});
