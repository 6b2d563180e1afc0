import { type Perdure, step, workflow } from '@perdure/core';
import { spanIdsInProcess } from '@perdure/core/internal';
import { describe, expect, it } from 'vitest';
import { databases, type TestDatabase } from '../support/databases.js';
import { freshDatabase, launchEngine } from '../support/engines.js';
import { gate } from '../support/gate.js';
import { losingAReply } from '../support/losing-a-reply.js';
import { inRequest, RegisteredSdk } from './registered.js';

const { open } = databases[0]!;

const lease = '900ms';

/** Takes the leases away, and waits until the engine has another one. */
async function losesItsLease(perdure: Perdure, test: TestDatabase): Promise<void> {
  const { executorId } = perdure.health();
  await revoke(test);
  await expect.poll(() => [null, executorId].includes(perdure.health().executorId)).toBe(false);
}

const revoke = ({ schema, administer }: TestDatabase): Promise<unknown> =>
  administer(`update ${schema}.executors set revoked_at = now(); delete from ${schema}.leases`);

describe('the trace of what a process was at when it lost its lease', () => {
  it('has the request that goes on after its run has ended', async () => {
    const sdk = await RegisteredSdk.create({ level: 'otel' });
    const { givenAway } = spanIdsInProcess();
    const givenBefore = givenAway.size;
    const work = workflow('work', async () => 1);
    const test = await freshDatabase(open);
    const perdure = await launchEngine(test, { workflows: [work], lease });
    await inRequest('POST /before', () => work.with({ engine: perdure })());
    await inRequest('POST /orders', async () => {
      await work.with({ engine: perdure })();
      await losesItsLease(perdure, test);
    });
    await perdure.shutdown();
    const { roots, orphans } = await sdk.view();
    expect([[...roots].sort(), orphans]).toEqual([['POST /before', 'POST /orders'], []]);
    expect(givenAway.size).toBe(givenBefore);
  });

  it('has the request that waits for a run, once, and the one that waits for it as well', async () => {
    const sdk = await RegisteredSdk.create({ level: 'otel' });
    const body = gate();
    let bodies = 0;
    const work = workflow('work', () =>
      step.run('wait', async () => {
        bodies += 1;
        await body.opened;
      }),
    );
    const test = await freshDatabase(open);
    const perdure = await launchEngine(test, { workflows: [work], lease });
    const ask = (name: string) => inRequest(name, () => work.with({ engine: perdure, workflowId: 'w' })());
    const first = ask('POST /first');
    await expect.poll(() => bodies).toBe(1);
    const second = ask('POST /second');
    await expect.poll(() => sdk.named('start work')).toHaveLength(2);
    await losesItsLease(perdure, test);
    await expect.poll(() => bodies).toBe(2);
    body.open();
    await Promise.all([first, second]);
    await perdure.shutdown();
    const { roots, ...view } = await sdk.view();
    expect(view).toMatchObject({ traces: 2, orphans: [], duplicates: [] });
    expect(roots).toContain('POST /second');
  });

  it('has the start that is made again on the next executor', async () => {
    const sdk = await RegisteredSdk.create({ level: 'otel' });
    const work = workflow('work', async () => 1);
    const test = await freshDatabase(open);
    const perdure = await launchEngine(test, { workflows: [work] });
    await test.administer(`update ${test.schema}.executors set revoked_at = now()`);
    await inRequest('POST /orders', () => work.with({ engine: perdure })());
    await perdure.shutdown();
    expect(await sdk.named('start work')).toHaveLength(1);
    expect(await sdk.view()).toMatchObject({ traces: 1, roots: ['POST /orders'], orphans: [], duplicates: [] });
  });

  it('has the request once if the start had reached the database after all', async () => {
    const sdk = await RegisteredSdk.create({ level: 'otel' });
    const work = workflow('work', async () => 1);
    const test = await freshDatabase(open);
    const { database, lost, sendAgain } = losingAReply(test.database, /flush_new_/);
    const perdure = await launchEngine(test, { workflows: [work], database });
    const answer = inRequest('POST /orders', () => work.with({ engine: perdure })());
    await lost;
    await revoke(test);
    sendAgain();
    expect(await answer).toBe(1);
    await perdure.shutdown();
    expect(await sdk.view()).toMatchObject({ traces: 1, orphans: [], incomplete: [], duplicates: [] });
  });

  it('waits no more for the start of a child of which nobody hears', async () => {
    await RegisteredSdk.create({ level: 'otel' });
    const body = gate();
    let bodies = 0;
    const child = workflow('child', async () => 1);
    const work = workflow('work', async () => {
      await step.run('wait', async () => {
        bodies += 1;
        if (bodies === 1) await body.opened;
      });
      return await child();
    });
    const test = await freshDatabase(open);
    const perdure = await launchEngine(test, { workflows: [work, child] });
    const run = await work.with({ engine: perdure }).start();
    await expect.poll(() => bodies).toBe(1);
    await test.administer(`update ${test.schema}.executors set revoked_at = now()`);
    body.open();
    expect(await run.result()).toBe(1);
    await expect.poll(() => spanIdsInProcess().sentStarts?.oldestUnsent()).toBeNull();
  });
});
