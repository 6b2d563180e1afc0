import { receive, step, workflow } from '@perdure/core';
import { describe, expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { freshDatabase, launchEngine, testEngine } from '../support/engines.js';
import { holdingAStatement } from '../support/holding-a-statement.js';
import { pollIfToldNothing as poll } from '../support/lanes.js';
import { inRequest, RegisteredSdk } from './registered.js';

const { open } = databases[0]!;

describe('the id of a span that another process can compute', () => {
  it('is that of one span for a try that a conflict between transactions repeats', async () => {
    const sdk = await RegisteredSdk.create({ level: 'otel' });
    let bodies = 0;
    const work = workflow('work', () =>
      step.transaction('charge', async (tx) => {
        bodies += 1;
        if (bodies < 3) await tx.query(`do $$ begin raise exception 'conflict' using errcode = '40001'; end $$`);
      }),
    );
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [work] });
    await work.with({ engine: perdure })();
    await perdure.shutdown();
    expect(bodies).toBe(3);
    const tries = (await sdk.named('step charge')).map(({ attributes }) => attributes);
    expect(tries).toMatchObject([{ 'perdure.step.try': 1, 'perdure.outcome': 'committed' }]);
    expect(await sdk.view()).toMatchObject({ orphans: [], duplicates: [] });
  });

  it('is another for a run that was to be parked, and is executed again because its message came meanwhile', async () => {
    const sdk = await RegisteredSdk.create({ level: 'otel' });
    const work = workflow('work', () => receive('go'));
    const test = await freshDatabase(open);
    const { database, close, held, open: park } = holdingAStatement(test.database, /parking_park/);
    close();
    const perdure = await launchEngine(test, { workflows: [work], parkAfter: '100ms', poll, database });
    const run = await work.with({ engine: perdure }).start();
    await held;
    await perdure.send(run, 'go', null);
    park();
    await run.result();
    await perdure.shutdown();
    const reasons = (await sdk.named('run work')).map(({ attributes }) => attributes['perdure.run.reason']);
    expect(reasons).toEqual(['new', 'resume']);
    expect(await sdk.view()).toMatchObject({ orphans: [], duplicates: [] });
  });

  it('is that of one span for a request that waited for two runs when its process died', async () => {
    const sdk = await RegisteredSdk.create({ level: 'otel' });
    const pending = new Set<string>();
    let isFirst = true;
    const work = workflow('work', (name: string) =>
      step.run('wait', async () => {
        if (!isFirst) return;
        pending.add(name);
        await new Promise(() => {});
      }),
    );
    const engine = await testEngine(await freshDatabase(open), { workflows: [work] });
    const { perdure } = engine;
    const start = (workflowId: string) => work.with({ engine: perdure, workflowId })(workflowId);
    void inRequest('POST /both', () => Promise.all([start('a'), start('b')])).catch(() => {});
    await expect.poll(() => [...pending].sort()).toEqual(['a', 'b']);
    isFirst = false;
    await engine.crash();
    await engine.restart();
    for (const workflowId of ['a', 'b']) await engine.perdure.run(workflowId).result();
    await engine.perdure.shutdown();
    expect(await sdk.named('request (lost)')).toHaveLength(1);
    expect(await sdk.view()).toMatchObject({ traces: 1, orphans: [], duplicates: [] });
  });
});
