import { Perdure, queue, receive, step, workflow } from '@perdure/core';
import { launch } from '@perdure/core/internal';
import type { Database } from '@perdure/core/internal';
import { TestEngine } from '@perdure/testing';
import { describe, expect, it } from 'vitest';
import { countingDatabase } from '../support/counting-database.js';
import { connectClient, freshDatabase, launchEngine } from '../support/engines.js';
import { laneOptions, pollIfToldNothing } from '../support/lanes.js';
import { databases } from '../support/databases.js';

const trivial = step('trivial', async (n: number) => n + 1);
const steps = workflow('steps', async (count: number) => {
  let n = 0;
  for (let index = 0; index < count; index += 1) n = await trivial(n);
  return n;
});

/** Heartbeats and polls must not disturb the count. */
const quiet = { lease: '1h', poll: '1h' } as const;

describe.each(databases)('statements on $name', ({ open }) => {
  it.each([0, 1, 5, 20])('a workflow of %i sequential steps takes one more commit than it has steps', async (count) => {
    const { database, schema, dispose } = await open();
    const counted = countingDatabase(database);
    const perdure = await Perdure.launch({ ...laneOptions, database: counted, schema, workflows: [steps], ...quiet });
    await settled(counted);
    const sentBefore = counted.sent.length;
    expect(await perdure.within(() => steps(count))).toBe(count);
    const sent = counted.sent.slice(sentBefore).map((statement) => statement.name);
    // Without a step there are still the start and the outcome.
    expect(sent.length, sent.join('\n')).toBeLessThanOrEqual(Math.max(count, 1) + 1);
    expect(await writeTransactions(database, schema)).toBeLessThanOrEqual(Math.max(count, 1) + 1);
    await perdure.shutdown();
    await dispose();
  });

  it('a hundred workflows at once share their commits', async () => {
    const { database, schema, dispose } = await open();
    const counted = countingDatabase(database);
    const perdure = await Perdure.launch({ ...laneOptions, database: counted, schema, workflows: [steps], ...quiet });
    await settled(counted);
    const sentBefore = counted.sent.length;
    const count = 10;
    const results = await perdure.within(() => Promise.all(Array.from({ length: 100 }, () => steps(count))));
    expect(results).toEqual(Array.from({ length: 100 }, () => count));
    expect(counted.sent.length - sentBefore).toBeLessThanOrEqual((100 * (count + 1)) / 10);
    expect(await writeTransactions(database, schema)).toBeLessThanOrEqual((100 * (count + 1)) / 10);
    await perdure.shutdown();
    await dispose();
  });

  it('a run that nobody had before is executed without being asked for its history', async () => {
    const test = await freshDatabase(open);
    const counted = countingDatabase(test.database);
    queue('jobs');
    await launchEngine(test, { database: counted, workflows: [steps], lease: '1h', poll: pollIfToldNothing });
    await settled(counted);
    const client = await connectClient(test);
    const started = await client.workflow('steps').start(2);
    const enqueued = await client.workflow('steps').with({ queue: 'jobs' }).start(3);
    expect([await started.result(), await enqueued.result()]).toEqual([2, 3]);
    expect(counted.count('load_histories')).toBe(0);
  });

  it('a client that was quiet tells of work and of messages with what it writes', async () => {
    const test = await freshDatabase(open);
    const asking = workflow('asking', async () => await receive('answer'));
    queue('jobs');
    await launchEngine(test, { workflows: [asking], lease: '1h', poll: pollIfToldNothing });
    const counted = countingDatabase(test.database);
    const [enqueuing, sending, waiting] = [
      await connectClient(test, { database: counted }),
      await connectClient(test, { database: counted }),
      await connectClient(test),
    ];
    const { workflowId } = await enqueuing.workflow('asking').with({ queue: 'jobs' }).start();
    await expect.poll(async () => (await waiting.run(workflowId).status()).attempt).toBe(1);
    await sending.send(workflowId, 'answer', 'yes');
    expect(await waiting.run(workflowId).result()).toBe('yes');
    expect(counted.count('notify')).toBe(0);
  });

  it('the histories of many recovered runs are read in few statements', async () => {
    const { database, schema, dispose } = await open();
    const gate = { isOpen: false };
    const half = workflow('half', async (n: number) => {
      const first = await trivial(n);
      await step.run('gate', async () => {
        while (!gate.isOpen) await new Promise((resolve) => setImmediate(resolve));
      });
      return await trivial(first);
    });
    const first = await TestEngine.create({ ...laneOptions, database, schema, workflows: [half] });
    const ids = Array.from({ length: 200 }, (_, index) => `half-${index}`);
    const engine = first.perdure;
    await Promise.all(ids.map((workflowId, index) => half.with({ workflowId, engine }).start(index)));
    await stored(database, schema, ids.length);
    gate.isOpen = true;
    await first.crash();

    const counted = countingDatabase(database);
    const second = await launch({
      ...laneOptions,
      database: counted,
      schema,
      workflows: [half],
      clock: first.clock,
      ...quiet,
    });
    const last = async (): Promise<string> => {
      first.clock.advance(600_000);
      return (await second.run(ids.at(-1)!).status()).status;
    };
    await expect.poll(last).toBe('completed');
    const results = await Promise.all(ids.map((workflowId) => second.run(workflowId).result()));
    expect(results).toEqual(ids.map((_, index) => index + 2));
    expect(counted.count('load_histories')).toBeLessThanOrEqual(2);
    await second.shutdown();
    await first.close();
    await dispose();
  });
});

/** Waits until the first claim after the launch has been answered. */
async function settled(counted: { count(text: string): number }): Promise<void> {
  await expect.poll(() => counted.count('has_revoked')).toBeGreaterThan(0);
  await expect.poll(() => counted.count('claims_take')).toBeGreaterThan(0);
  await expect.poll(() => counted.count('parking_wake_all_watching')).toBeGreaterThan(0);
  let seen = -1;
  while (seen !== counted.count('')) {
    seen = counted.count('');
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

/** How many transactions wrote the rows of these runs, by the transaction ids that Postgres put on them. */
async function writeTransactions(database: Database, schema: string): Promise<number> {
  const [row] = await database.query<{ count: number }>({
    name: `test_transactions_${schema}`,
    text: `
      select count(distinct xmin::text)::int4 as count from (
        select xmin from "${schema}".runs
        union all select xmin from "${schema}".checkpoints
        union all select xmin from "${schema}".outcomes
      ) as written`,
    values: [],
  });
  return row?.count ?? 0;
}

async function stored(database: Database, schema: string, steps: number): Promise<void> {
  await expect
    .poll(async () => {
      const [row] = await database.query<{ count: number }>({
        name: `test_stored_${schema}`,
        text: `select count(*)::int4 as count from "${schema}".checkpoints`,
        values: [],
      });
      return row?.count;
    })
    .toBe(steps);
}
