import { schedule, type Slot, workflow } from '@perdure/core';
import type { Database } from '@perdure/core/internal';
import { describe, expect, it } from 'vitest';
import { countingDatabase } from '../support/counting-database.js';
import { databases, type TestDatabase } from '../support/databases.js';
import { freshDatabase, testEngine } from '../support/engines.js';
import { passOn } from '../support/pass-on.js';

/** When schedules fire next, jitter included. */
async function nextFires({ database, schema }: TestDatabase): Promise<number[]> {
  const text = `select extract(epoch from next_fire_at)::float8 * 1000 as at from "${schema}".schedules order by next_fire_at`;
  return (await database.query<{ at: number }>({ name: `fires ${schema}`, text, values: [] })).map(({ at }) => at);
}

describe.each(databases)('a schedule that comes late on $name', ({ open }) => {
  it('has missed nothing if only its jitter, longer than its catch-up window, was the reason', async () => {
    const work = workflow('spread', async (_: Slot) => {});
    const names = ['one', 'two', 'three', 'four', 'five', 'six'];
    for (const name of names) schedule(name, { every: '10h' }, work, { jitter: '3h', catchUp: '10s' });
    const test = await freshDatabase(open);
    const { perdure, clock } = await testEngine(test, { workflows: [work] });
    await perdure.schedules.list();
    const fires = await nextFires(test);
    for (const [no, at] of fires.entries()) {
      clock.advance(Math.max(0, at - clock.now()));
      const moved = async (): Promise<number> =>
        (await perdure.schedules.list()).reduce((sum, { fired, missed }) => sum + fired + missed, 0);
      await expect.poll(moved).toBeGreaterThan(no);
    }
    const known = await perdure.schedules.list();
    expect(known.map(({ name, fired, missed }) => [name, fired, missed])).toEqual(
      names.toSorted().map((name) => [name, 1, 0]),
    );
  });

  it('fires soon after a look that failed, and not only when the next one is due anyway', async () => {
    const work = workflow('retried', async (_: Slot) => {});
    schedule('retried', { every: '1h' }, work, { catchUp: '10s' });
    const test = await freshDatabase(open);
    let failures = 0;
    const database: Database = {
      ...passOn(test.database),
      async query(statement) {
        if (failures > 0 && statement.name.includes('schedules_upcoming')) {
          failures -= 1;
          throw Object.assign(new Error('the server is shutting down'), { code: '57P01' });
        }
        return await test.database.query(statement);
      },
    };
    const { perdure, clock } = await testEngine({ ...test, database }, { workflows: [work] });
    const { nextSlotAt } = await perdure.schedules.get('retried');
    failures = 2;
    clock.advance(nextSlotAt! - clock.now());
    await expect.poll(async () => (await perdure.schedules.get('retried')).lastSlotAt).toBe(nextSlotAt);
    expect(failures).toBe(0);
    expect(await perdure.schedules.get('retried')).toMatchObject({ fired: 1, missed: 0 });
  });

  it('counts what it missed without holding up the process', async () => {
    const work = workflow('seconds', async (_: Slot) => {});
    schedule('seconds', { cron: '* * * * * *' }, work, { catchUp: '10s' });
    const test = await freshDatabase(open);
    const database = countingDatabase(test.database);
    let [turns, moves] = [0, 0];
    const moving: Database = {
      ...database,
      async transaction(work) {
        moves += 1;
        return await database.transaction(work);
      },
    };
    const engine = await testEngine({ ...test, database: moving }, { workflows: [work] });
    await engine.perdure.schedules.list();
    await engine.crash();
    engine.clock.advance(5_000_000);
    [turns, moves] = [0, 0];
    let isOver = false;
    const turn = (): void => {
      turns += 1;
      if (!isOver) setImmediate(turn);
    };
    turn();
    await engine.restart();
    await expect.poll(async () => (await engine.perdure.schedules.get('seconds')).missed).toBeGreaterThan(4_900);
    isOver = true;
    // At most 200 slots at once, and a turn of the event loop in between.
    expect(moves).toBeGreaterThanOrEqual(25);
    expect(turns).toBeGreaterThanOrEqual(25);
  });

  it('counts what it missed of a period at once, however much that is', async () => {
    const work = workflow('tenths', async (_: Slot) => {});
    schedule('tenths', { every: 100 }, work, { catchUp: '10s', maxRuns: 1 });
    const engine = await testEngine(await freshDatabase(open), { workflows: [work] });
    const { nextSlotAt } = await engine.perdure.schedules.get('tenths');
    await engine.crash();
    engine.clock.advance(365 * 24 * 3_600_000);
    await engine.restart();
    await expect.poll(async () => (await engine.perdure.schedules.get('tenths')).fired).toBe(1);
    const { lastSlotAt, missed } = await engine.perdure.schedules.get('tenths');
    expect(missed).toBe((lastSlotAt! - nextSlotAt!) / 100);
  });
});
