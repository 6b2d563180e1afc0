import { queue, schedule, workflow } from '@perdure/core';
import { describe, expect, it } from 'vitest';
import { countingDatabase } from '../support/counting-database.js';
import { databases } from '../support/databases.js';
import { freshDatabase, testEngine } from '../support/engines.js';

describe.each(databases)('an idle engine on $name', ({ open }) => {
  it('sends at most two statements a second, with ten queues and ten schedules', async () => {
    const work = workflow('idle work', async () => {});
    for (let n = 0; n < 10; n += 1) {
      queue(`idle ${n}`, { concurrency: n + 1 });
      schedule(`idle ${n}`, { every: '1d' }, work);
    }
    const test = await freshDatabase(open);
    const database = countingDatabase(test.database);
    const { perdure, clock } = await testEngine({ ...test, database }, { workflows: [work] });
    await perdure.schedules.list();
    // Everything has run once, and nothing is left to be done.
    const [statements, since] = [database.sent.length, clock.now()];
    await expect.poll(() => clock.now() - since).toBeGreaterThanOrEqual(120_000);
    const seconds = (clock.now() - since) / 1_000;
    expect((database.sent.length - statements) / seconds).toBeLessThanOrEqual(2);
    expect(database.sent.length).toBeGreaterThan(statements);
  });
});
