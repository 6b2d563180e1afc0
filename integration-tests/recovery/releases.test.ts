import { randomUUID } from 'node:crypto';
import { createStore, type Database, migrate, type Row, type Statement } from '@perdure/core/internal';
import { describe, expect, it } from 'vitest';
import { countingDatabase } from '../support/counting-database.js';
import { databases } from '../support/databases.js';
import { freshDatabase } from '../support/engines.js';
import { passOn } from '../support/pass-on.js';

const { open } = databases[0]!;

describe('the release of the runs that a dead process leaves behind', () => {
  it.each([
    ['where the statistics are fresh', true],
    ['where there are none yet', false],
  ])('reads what belongs to each run, however many there are, %s', async (_, isAnalyzed) => {
    const few = await blocksPerRun(500, isAnalyzed);
    const many = await blocksPerRun(4_000, isAnalyzed);
    expect(many).toBeLessThan(few * 1.5);
    expect(many).toBeLessThan(50);
  });

  it('is not compiled by the server, and neither is what else the planner overrates', async () => {
    const test = await freshDatabase(open);
    await migrate(test.database, test.schema);
    const database = countingDatabase(test.database);
    const { ownership, versions, runListing } = createStore(database, test.schema);
    await ownership.releaseRevoked({ crashesMax: 5, deadPayload: '""', runsMax: 1, now: null });
    await versions.stranded(null);
    await versions.list({ workflow: null, now: null });
    await runListing.list({ where: { statuses: ['running'] }, order: 'newest', after: null, max: 1 });
    expect(database.sent.map(({ withoutJit }) => withoutJit)).toEqual([true, true, true, true]);
  });
});

async function blocksPerRun(count: number, isAnalyzed: boolean): Promise<number> {
  const test = await freshDatabase(open);
  await migrate(test.database, test.schema);
  const executorId = randomUUID();
  const { executors } = createStore(test.database, test.schema);
  const lease = { leaseMs: 60_000, sentUntil: null, now: null };
  await executors.register({ executorId, label: 'dead', collectsMetrics: false, ...lease });
  await test.administer(`
    insert into "${test.schema}".runs
      (workflow_id, name, version, detached, seed, created_at, state, attempt, executor_id, claim_no, parent_id)
    select n, 'work', '1', false, n, now(), 'owned', 1, '${executorId}', n, case when n % 2 = 0 then (n - 1)::text end
    from generate_series(1, ${count}) n;
    insert into "${test.schema}".checkpoints
      (workflow_id, position, seq, kind, name, payload, failed, attempt, started_at, finished_at)
    select n, place, place, 'step', 's', '1', false, 1, now(), now()
    from generate_series(1, ${count}) n, generate_series(0, 3) place`);
  if (isAnalyzed) await test.administer(`analyze "${test.schema}".runs; analyze "${test.schema}".checkpoints`);
  await executors.revoke({ executorId, now: null });
  const { database, plans } = explaining(test.database);
  const { ownership } = createStore(database, test.schema);
  await ownership.releaseRevoked({ crashesMax: 5, deadPayload: '""', runsMax: count, now: null });
  const [released] = await test.database.query<{ count: number }>({
    name: 'test_count_released',
    text: `select count(*)::int4 as count from "${test.schema}".runs where state = 'available'`,
    values: [],
  });
  expect(released?.count).toBe(count);
  return plans[0]!['Shared Hit Blocks']! / count;
}

/** A database that executes statements, and answers with how it went about them. */
function explaining(real: Database) {
  const plans: Record<string, number>[] = [];
  const database: Database = {
    ...passOn(real),
    async query<R extends Row>(statement: Statement): Promise<R[]> {
      const text = `explain (analyze, buffers, format json) ${statement.text}`;
      const [row] = await real.query<{ 'QUERY PLAN': [{ Plan: Record<string, number> }] }>({ ...statement, text });
      plans.push(row!['QUERY PLAN'][0].Plan);
      return [];
    },
  };
  return { database, plans };
}
