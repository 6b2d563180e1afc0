import { randomUUID } from 'node:crypto';
import { Perdure, step, workflow } from '@perdure/core';
import { crash, postgres } from '@perdure/core/internal';
import pg from 'pg';
import { beforeEach, expect, inject, it, onTestFinished } from 'vitest';
import { eventually } from '../recovery/eventually.js';
import { type TestDatabase, databases } from '../support/databases.js';
import { freshDatabase, launchEngine } from '../support/engines.js';
import { Load } from './load.js';
import { LogBook } from './log-book.js';

/** Short, so that locks are held for longer. */
const deadlineMs = 300;
const poolSize = 2;
const { open } = databases.find(({ name }) => name === 'postgres')!;
let test: TestDatabase;
let admin: pg.Client;

beforeEach(async () => {
  test = await freshDatabase(open);
  admin = new pg.Client({ connectionString: inject('postgresUrl') });
  onTestFinished(() => admin.end());
  await admin.connect();
});

function openDatabase(applicationName = 'perdure') {
  const timeouts = { statementTimeoutMs: deadlineMs, controlTimeoutMs: deadlineMs };
  const database = postgres({ url: test.url!, applicationName, poolSize, ...timeouts });
  onTestFinished(() => database.close());
  return database;
}

it.each([
  ["the executor's row", 'select from executors for update', 'executors'],
  ["the executor's lease", 'select from leases for update', 'leases'],
  ['all rows of runs', 'select from runs for update', 'nothing'],
  ['the table of checkpoints', 'lock table checkpoints in access exclusive mode', 'checkpoints'],
  ['the table of outcomes', 'lock table outcomes in share mode', 'outcomes'],
])(
  'nothing is lost and no connections pile up while another session locks %s',
  { timeout: 60_000 },
  async (_, lock, waitedFor) => {
    const applicationName = `faults_${randomUUID()}`;
    const [load, log] = [new Load(), new LogBook()];
    const database = openDatabase(applicationName);
    const perdure = await launchEngine(test, { database, workflows: [load.workflow], logger: log, lease: '1s' });
    const { executorId } = perdure;
    load.begin(perdure, 10);
    await load.runsOn(10);

    await admin.query(`begin; set local search_path to ${test.schema}; ${lock}`);
    if (waitedFor === 'nothing') await load.runsOn(10);
    else {
      const errors = log.count;
      await eventually('a deadline passes', () => log.count > errors);
      // What nobody waits for any more is cancelled: there is the pool, two beside it, and what is just being cancelled.
      const counts: number[] = [];
      const until = performance.now() + 10 * deadlineMs;
      await eventually('several deadlines pass', async () => {
        counts.push(await countConnections(applicationName));
        return performance.now() > until;
      });
      expect(Math.max(...counts)).toBeLessThanOrEqual(poolSize + 2 + 2);
    }
    await admin.query('commit');

    await load.runsOn(10);
    await load.end();
    expect(await load.losses(test)).toEqual([]);
    expect(perdure.executorId).toBe(executorId);
  },
);

it('goes on renewing the lease while the row of its executor is locked', async () => {
  const perdure = await launchEngine(test, { database: openDatabase(), workflows: [], lease: '600ms' });
  const { executorId } = perdure;
  await launchEngine(test, { workflows: [], lease: '600ms' }); // would take over
  await admin.query(`begin; set local search_path to ${test.schema}; select from executors for update`);
  const before = await leaseUntil(executorId!);
  await eventually('four leases have gone by', async () => (await leaseUntil(executorId!)) > before + 4 * 600);
  await admin.query('commit');
  expect(perdure.executorId).toBe(executorId);
});

it('takes a run over once its row is free, and meanwhile takes over nothing by halves', async () => {
  let isOpen = false;
  const begun: string[] = [];
  const gated = workflow('gated', async (name: string) => {
    const first = await step.run('first', () => void begun.push(`${name} first`));
    await step.run('second', () => {
      begun.push(`${name} second`);
      return isOpen ? null : new Promise<never>(() => {});
    });
    return first ?? name;
  });
  const dying = await Perdure.launch({
    database: test.database,
    schema: test.schema,
    workflows: [gated],
    lease: '600ms',
  });
  const names = ['a', 'b', 'c'];
  for (const name of names) await gated.with({ workflowId: name, engine: dying }).start(name);
  await eventually('all runs are in the middle', () => begun.length === 6);
  await dying[crash]();
  isOpen = true;

  await admin.query(`begin; select from ${test.schema}.runs where workflow_id = 'b' for update`);
  const log = new LogBook();
  const options = { database: openDatabase(), workflows: [gated], lease: '600ms', logger: log } as const;
  const next = await launchEngine(test, options);
  await eventually('the takeover waits in vain', () => log.count > 0);
  await admin.query('commit');

  expect(await Promise.all(names.map((name) => next.run(name).result()))).toEqual(names);
  const expected = names.flatMap((name) => [`${name} first`, `${name} second`, `${name} second`]);
  expect(begun.toSorted()).toEqual(expected);
  const statuses = await Promise.all(names.map((name) => next.run(name).status()));
  expect(statuses.map(({ attempt, crashes }) => [attempt, crashes.length])).toEqual(names.map(() => [2, 1]));
});

async function countConnections(applicationName: string): Promise<number> {
  const rows = await test.database.query({
    name: 'connections',
    text: 'select pid from pg_stat_activity where application_name = $1::text',
    values: [applicationName],
  });
  return rows.length;
}

async function leaseUntil(executorId: string): Promise<number> {
  const [row] = await test.database.query<{ ms: number }>({
    name: `lease ${test.schema}`,
    text: `select (extract(epoch from lease_until) * 1000)::float8 as ms from ${test.schema}.leases where executor_id = $1::uuid`,
    values: [executorId],
  });
  return row!.ms;
}
