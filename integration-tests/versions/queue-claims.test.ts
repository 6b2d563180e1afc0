import { randomUUID } from 'node:crypto';
import { createStore, migrate } from '@perdure/core/internal';
import { describe, expect, it } from 'vitest';
import { databases, type TestDatabase } from '../support/databases.js';
import { freshDatabase } from '../support/engines.js';

const { open } = databases[0]!;

/** How items stand in line: with what keys, and under which settings of the queue. */
const lines = {
  'without keys': { key: `''`, settings: {}, stranded: 100_000 },
  'of one key': { key: `'k'`, settings: {}, stranded: 20_000 },
  'of a key each': { key: `'k' || n`, settings: {}, stranded: 20_000 },
  'of a key each, which go one after the other': {
    key: `'k' || n`,
    settings: { keyConcurrency: 1 },
    stranded: 20_000,
  },
} as const;

describe.each(Object.entries(lines))('a claim from a queue of runs %s', (_, { key, settings, stranded }) => {
  it('reads nothing of those whose version nobody has, however many there are', async () => {
    const test = await freshDatabase(open);
    await migrate(test.database, test.schema);
    const executorId = randomUUID();
    const lease = { leaseMs: 60_000, sentUntil: null, now: null };
    const { executors } = createStore(test.database, test.schema);
    await executors.register({ executorId, label: 'one', collectsMetrics: false, ...lease });
    await test.administer(`
      insert into "${test.schema}".queues (name, declared) values ('line', '${JSON.stringify(settings)}');
      ${enqueued(test, '1', stranded, key)};
      ${enqueued(test, '2', 20, key === `''` || key === `'k'` ? key : `'later ' || n`)};
      analyze "${test.schema}".queue_items; analyze "${test.schema}".runs`);
    const claim = async (claimNo: number): Promise<{ readonly blocks: number; readonly taken: number }> => {
      const [row] = await test.database.query<{ 'QUERY PLAN': [{ Plan: Record<string, number> }] }>({
        name: 'test_claim_from_line',
        text: `explain (analyze, buffers, format json)
          select run from "${test.schema}".claim_queued(
            $1::uuid, $2::int8, '{work}', '{2}', '{code}', '{null}', null, 10, 1, '', null
          ) where more_at is null`,
        values: [executorId, claimNo],
      });
      const { Plan: plan } = row!['QUERY PLAN'][0];
      return { blocks: plan['Shared Hit Blocks']! + plan['Shared Read Blocks']!, taken: plan['Actual Rows']! };
    };
    const claims = [await claim(1), await claim(2)];
    expect(claims.map(({ taken }) => taken)).toEqual([10, 10]);
    expect(Math.max(...claims.map(({ blocks }) => blocks))).toBeLessThan(5_000);
  });
});

function enqueued({ schema }: TestDatabase, version: string, count: number, key: string): string {
  return `
    insert into "${schema}".runs (workflow_id, name, version, detached, seed, created_at, state, attempt, queue)
    select '${version} ' || n, 'work', '${version}', true, n, now(), 'queued', 0, 'line' from generate_series(1, ${count}) n;
    insert into "${schema}".queue_items
      (workflow_id, name, version, queue, key, level, rank, priority, units, state, enqueued_at, run_at)
    select '${version} ' || n, 'work', '${version}', 'line', ${key}, 0, 0, 0, 1, 'waiting', now(), now()
    from generate_series(1, ${count}) n`;
}
