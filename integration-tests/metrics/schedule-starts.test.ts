import { type Slot, workflow } from '@perdure/core';
import type { Database } from '@perdure/core/internal';
import { expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { afterThisTest, freshDatabase, testEngine } from '../support/engines.js';
import { passOn } from '../support/pass-on.js';
import { RegisteredSdk } from '../tracing/registered.js';
import { Collector } from './collector.js';

const { open } = databases[0]!;

it('the start of a schedule is told of once it is committed, in numbers as in its span', async () => {
  const collector = new Collector();
  collector.register();
  afterThisTest(() => collector.stop());
  const sdk = await RegisteredSdk.create();
  const tick = workflow('tick', async (_slot: Slot) => {});
  const test = await freshDatabase(open);
  let rollbacks = 0;
  const database: Database = {
    ...passOn(test.database),
    transaction: (work) =>
      test.database.transaction(async (tx) => {
        const result = await work(tx);
        const [run] = await tx.query({
          name: `rolled_back_${test.schema}`,
          text: `select 1 from ${test.schema}.runs`,
          values: [],
        });
        if (run === undefined || rollbacks > 0) return result;
        rollbacks += 1;
        throw Object.assign(new Error('could not serialize access'), { code: '40001' });
      }),
  };
  const { perdure, clock } = await testEngine({ ...test, database }, { workflows: [tick] });
  await perdure.schedules.set('ticking', { timing: { every: '10h' }, workflow: tick });
  clock.advance(36_000_000);
  await expect.poll(async () => (await perdure.schedules.get('ticking')).fired).toBe(1);
  expect(rollbacks).toBe(1);
  await perdure.schedules.pause('ticking');
  expect(await collector.value('perdure.workflow.started', { 'perdure.workflow.name': 'tick' })).toBe(1);
  expect((await sdk.named('start tick')).map(({ status }) => status)).toEqual(['error', 'unset']);
});
