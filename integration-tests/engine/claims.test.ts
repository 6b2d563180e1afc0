import { queue, sleep, workflow } from '@perdure/core';
import type { Database, Row, Statement } from '@perdure/core/internal';
import { describe, expect, it } from 'vitest';
import { countingDatabase } from '../support/counting-database.js';
import { databases } from '../support/databases.js';
import { connectClient, freshDatabase, launchEngine } from '../support/engines.js';
import { holdRow } from '../support/hold-row.js';
import { pollIfToldNothing as poll } from '../support/lanes.js';
import { passOn } from '../support/pass-on.js';

describe.each(databases)('a claim on $name', ({ open, name }) => {
  it('is made again as soon as it is clear what became of one that failed', async () => {
    const work = workflow('claimed late', async () => 'done');
    const test = await freshDatabase(open);
    let claims = 0;
    let isBroken = false;
    const database: Database = {
      ...passOn(test.database),
      async query<R extends Row>(statement: Statement) {
        if (statement.name.endsWith('claims_take')) {
          claims += 1;
          if (isBroken) {
            isBroken = false;
            throw Object.assign(new Error('Connection terminated unexpectedly'), { code: '57P01' });
          }
        }
        return await test.database.query<R>(statement);
      },
    };
    queue('claimed late');
    await launchEngine({ ...test, database }, { workflows: [work], poll });
    await expect.poll(() => claims).toBeGreaterThan(0);
    const client = await connectClient(test, { database: await test.reopen() });
    isBroken = true;
    const line = client.workflow('claimed late').with({ queue: 'claimed late' });
    const first = await line.start();
    await expect.poll(() => isBroken).toBe(false);
    // Word of the second one makes the engine ask what the failed claim took: nothing.
    const second = await line.start();
    expect(await Promise.all([first.result(), second.result()])).toEqual(['done', 'done']);
  });

  // PGlite does one thing after the other.
  describe.runIf(name === 'postgres')('of a run whose row somebody else holds for a moment', () => {
    it('comes when it is let go, though nobody says so', async () => {
      const work = workflow('held', async () => 'done');
      const test = await freshDatabase(open);
      await launchEngine(test, { workflows: [] });
      const client = await connectClient(test, { database: await test.reopen() });
      const run = await client.workflow('held').start();
      const letGo = await holdRow(test, run.workflowId);
      const counted = countingDatabase(await test.reopen());
      await launchEngine(test, { workflows: [work], poll: '1h', database: counted });
      await expect.poll(() => counted.countAnswered('claims_take')).toBeGreaterThan(1);
      expect((await run.status()).executorId).toBe(null);
      await letGo();
      expect(await run.result()).toBe('done');
    });

    it('comes when it is let go, for a run that was parked and whose time has come', async () => {
      const nap = workflow('nap', async () => await sleep('700ms'));
      const test = await freshDatabase(open);
      const counted = countingDatabase(test.database);
      const options = { workflows: [nap], poll: '1h', parkAfter: '100ms' };
      const perdure = await launchEngine({ ...test, database: counted }, options);
      const run = await nap.with({ engine: perdure }).start();
      await expect.poll(() => perdure.health().runs).toBe(0);
      const letGo = await holdRow(test, run.workflowId);
      const claims = counted.countAnswered('claims_take');
      await expect.poll(() => counted.countAnswered('claims_take')).toBeGreaterThan(claims + 1);
      await letGo();
      await run.result();
    });

    it('does not wait for it where the run is of a queue', async () => {
      const work = workflow('held in a queue', async () => 'done');
      const test = await freshDatabase(open);
      queue('held');
      await launchEngine(test, { workflows: [] });
      const client = await connectClient(test, { database: await test.reopen() });
      const run = await client.workflow('held in a queue').with({ queue: 'held' }).start();
      const letGo = await holdRow(test, run.workflowId);
      await launchEngine(test, { workflows: [work], poll: '1h', database: await test.reopen() });
      expect(await run.result()).toBe('done');
      await letGo();
    });
  });
});
