import { randomUUID } from 'node:crypto';
import { type LaunchOptions, type Perdure, step, workflow } from '@perdure/core';
import { type Database, postgres } from '@perdure/core/internal';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { eventually } from '../recovery/eventually.js';
import { countingDatabase } from '../support/counting-database.js';
import { type TestDatabase, databases } from '../support/databases.js';
import { freshDatabase, launchEngine, testEngine } from '../support/engines.js';
import { type Ledger, scenarios } from '../support/scenarios.js';
import { FaultProxy } from './fault-proxy.js';
import { Load } from './load.js';

const { open } = databases.find(({ name }) => name === 'postgres')!;
const applicationName = `faults_${randomUUID()}`;
let test: TestDatabase;
let proxy: FaultProxy;

beforeEach(async () => {
  test = await freshDatabase(open);
  proxy = await FaultProxy.start(test.url!);
  onTestFinished(() => proxy.close());
});

/** A database by way of the proxy. */
function proxied(
  options: { statementTimeoutMs?: number; controlTimeoutMs?: number; poolSize?: number } = {},
): Database {
  const database = postgres({ url: proxy.url, applicationName, ...options });
  onTestFinished(() => database.close());
  return database;
}

async function launchWithLoad(database: Database, width: number): Promise<{ perdure: Perdure; load: Load }> {
  const load = new Load();
  const perdure = await launchEngine(test, { database, workflows: [load.workflow] });
  load.begin(perdure, width);
  return { perdure, load };
}

describe('work goes on, nothing is lost and no connection stays behind', () => {
  it.each([10, 1])(
    'when all connections are reset, 200 times, with a pool of %i',
    { timeout: 90_000 },
    async (poolSize) => {
      const database = proxied({ poolSize });
      const { perdure, load } = await launchWithLoad(database, 10);
      const executorId = perdure.executorId;
      for (let round = 1; round <= 200; round += 1) {
        await load.stepsOn(1);
        proxy.reset();
      }
      await load.end();
      expect(await load.losses(test)).toEqual([]);
      expect(perdure.executorId).toBe(executorId);
      await expectWholePool(database, poolSize);
    },
  );

  it.each([10, 1])(
    'when all connections become half-open, 10 times, within two deadlines, with a pool of %i',
    { timeout: 90_000 },
    async (poolSize) => {
      const deadlineMs = 1_500;
      const database = proxied({ poolSize, statementTimeoutMs: deadlineMs, controlTimeoutMs: deadlineMs });
      const { perdure, load } = await launchWithLoad(database, 10);
      const executorId = perdure.executorId;
      let worstMs = 0;
      const runOnMs = async (): Promise<number> => {
        const since = performance.now();
        await load.runsOn(10);
        return performance.now() - since;
      };
      for (let round = 1; round <= 10; round += 1) {
        const undisturbedMs = await runOnMs();
        // However many connections wait in the pool: they are all dead now.
        await expectWholePool(database, poolSize);
        proxy.impose({ kind: 'half-open' });
        proxy.pass();
        worstMs = Math.max(worstMs, (await runOnMs()) - undisturbedMs);
      }
      expect(worstMs).toBeLessThan(2 * deadlineMs);
      await load.end();
      expect(await load.losses(test)).toEqual([]);
      expect(perdure.executorId).toBe(executorId);
      await expectWholePool(database, poolSize);
    },
  );

  it('when the network is half-open for longer than the deadlines', { timeout: 60_000 }, async () => {
    const database = proxied({ statementTimeoutMs: 200, controlTimeoutMs: 200 });
    const { load } = await launchWithLoad(database, 10);
    for (let round = 1; round <= 3; round += 1) {
      await load.runsOn(1);
      const before = proxy.accepted;
      proxy.impose({ kind: 'half-open' });
      await eventually('new connections are tried', () => proxy.accepted >= before + 4);
      proxy.pass();
      await load.runsOn(10);
    }
    await load.end();
    expect(await load.losses(test)).toEqual([]);
    await expectWholePool(database, 10);
  });

  it('when connections are refused for a while, 10 times', { timeout: 60_000 }, async () => {
    const database = proxied();
    const { load } = await launchWithLoad(database, 10);
    for (let round = 1; round <= 10; round += 1) {
      await load.runsOn(1);
      const before = proxy.accepted;
      proxy.impose({ kind: 'refuse' });
      proxy.reset();
      await eventually('new connections are tried', () => proxy.accepted >= before + 3);
      proxy.pass();
    }
    await load.end();
    expect(await load.losses(test)).toEqual([]);
    await expectWholePool(database, 10);
  });

  it('when the network is slow, or so slow that no statement comes through', { timeout: 60_000 }, async () => {
    const database = proxied({ statementTimeoutMs: 1_000, controlTimeoutMs: 1_000 });
    const { load } = await launchWithLoad(database, 10);
    await load.runsOn(10);
    proxy.impose({ kind: 'latency', delayMs: 100 });
    await load.runsOn(10);
    const before = proxy.accepted;
    proxy.impose({ kind: 'trickle', byteIntervalMs: 20 });
    await eventually('connections are given up', () => proxy.accepted >= before + 2);
    proxy.pass();
    await load.runsOn(10);
    await load.end();
    expect(await load.losses(test)).toEqual([]);
    await expectWholePool(database, 10);
  });
});

describe('a half-open network', () => {
  const deadlineMs = 500;
  const statement = { name: 'one', text: 'select 1 as one', values: [] };
  const asks: Record<string, (database: Database) => Promise<unknown>> = {
    statement: (database) => database.query(statement),
    'statement on the control lane': (database) => database.query({ ...statement, lane: 'control' }),
    transaction: (database) => database.transaction((tx) => tx.query(statement)),
    LISTEN: (database) =>
      database.listen(
        randomUUID(),
        () => {},
        () => {},
      ),
  };

  it.each(
    Object.keys(asks).flatMap(
      (ask) =>
        [
          [ask, 'was there'],
          [ask, 'is being made'],
        ] as const,
    ),
  )('holds up a %s for two deadlines at most where the connection %s', async (ask, connection) => {
    const database = proxied({ statementTimeoutMs: deadlineMs, controlTimeoutMs: deadlineMs });
    if (connection === 'was there') await asks[ask]!(database);
    proxy.impose({ kind: 'half-open' });
    const since = performance.now();
    await asks[ask]!(database).catch(() => {});
    expect(performance.now() - since).toBeLessThan(2 * deadlineMs + 200);
    proxy.pass();
    await asks[ask]!(database);
  });
});

describe('a pool of one', () => {
  it('runs all scenarios at once', async () => {
    const ledger: Ledger = { begun: [], ended: [] };
    const all = scenarios(ledger).filter(({ name }) => !['timers', 'retries'].includes(name));
    const database = proxied({ poolSize: 1, statementTimeoutMs: 10_000 });
    const perdure = await launchEngine(test, { database, workflows: all.flatMap(({ definitions }) => definitions) });
    const results = await Promise.all(all.map(({ definitions }) => definitions[0]!.with({ engine: perdure })()));
    expect(results).toEqual(all.map(({ expected }) => expected));
    expect(new Set(ledger.begun).size).toBe(ledger.begun.length);
  });

  it('that is exhausted for longer than the lease does not cost the lease', async () => {
    const options: LaunchOptions = { lease: '600ms', poll: '100ms', workflows: [] };
    const database = proxied({ poolSize: 1 });
    const perdure = await launchEngine(test, { database, ...options });
    const { executorId } = perdure;
    await launchEngine(test, options); // would take over
    let finish = (): void => {};
    const held = database.transaction(() => new Promise<void>((resolve) => (finish = resolve)));
    const leaseUntil = async () => Number((await leaseOf(executorId!)) ?? 0);
    const before = await eventually('a lease', leaseUntil);
    await eventually('four leases have gone by', async () => (await leaseUntil()) > before + 4 * 600);
    finish();
    await held;
    expect(perdure.executorId).toBe(executorId);
  });
});

describe('a LISTEN connection that is lost', () => {
  it.each(['reset', 'half-open'] as const)(
    'by %s comes back, and notifications are heard again',
    { timeout: 60_000 },
    async (fault) => {
      const database = proxied({ controlTimeoutMs: 500 });
      const heard: string[] = [];
      const onGap = vi.fn();
      await database.listen(test.schema, (payload) => heard.push(payload), onGap);
      for (const round of fault === 'reset' ? [1, 2, 3] : [1]) {
        onGap.mockClear();
        if (fault === 'reset') proxy.reset();
        else proxy.impose({ kind: 'half-open' });
        proxy.pass();
        await expect.poll(() => onGap.mock.calls.length).toBeGreaterThan(0);
        await test.database.script(`notify ${test.schema}, '${round}'`);
        await expect.poll(() => heard).toContain(String(round));
      }
    },
  );

  it('lets hints work again: a cancellation reaches the owner, who does not ask by itself', async () => {
    const begun = vi.fn();
    const waiting = workflow('waiting', () =>
      step.run('wait', () => {
        begun();
        return new Promise<never>(() => {});
      }),
    );
    // Virtual time stands still while a step is under way, and so does every loop that would ask.
    const database = countingDatabase(proxied());
    const owner = await testEngine(test, { database, workflows: [waiting] });
    const other = await launchEngine(test, { workflows: [] });
    for (const round of [1, 2, 3]) {
      const workflowId = `run-${round}`;
      await waiting.with({ workflowId, engine: owner.perdure }).start();
      await expect.poll(() => begun.mock.calls.length).toBe(round);
      const asked = database.countAnswered('find_cancel_requests');
      proxy.reset();
      // It asks once because it may have missed something, and not again.
      await eventually('the owner listens again', () => database.countAnswered('find_cancel_requests') > asked);
      await other.run(workflowId).cancel();
      await expect(owner.perdure.run(workflowId).result()).rejects.toMatchObject({ code: 'PERDURE_CANCELLED' });
    }
  });
});

/** Each place in the pool has a connection that works at once, and the server knows of no other. */
async function expectWholePool(database: Database, poolSize: number): Promise<void> {
  const statement = { name: 'whole', text: 'select pg_backend_pid() as pid, pg_sleep(0.03)::text', values: [] };
  const places = Array.from({ length: poolSize }, () => database.query<{ pid: number }>(statement));
  const pids = new Set((await Promise.all(places)).map(([row]) => row!.pid));
  expect(pids.size).toBeLessThanOrEqual(poolSize);
  // Besides: one for heartbeats, one that listens.
  await expect.poll(async () => (await connections()).length).toBeLessThanOrEqual(poolSize + 2);
}

async function connections(): Promise<unknown[]> {
  return await test.database.query({
    name: 'connections',
    text: 'select pid from pg_stat_activity where application_name = $1::text',
    values: [applicationName],
  });
}

async function leaseOf(executorId: string): Promise<string | null> {
  const [row] = await test.database.query<{ ms: string }>({
    name: `lease ${test.schema}`,
    text: `select (extract(epoch from lease_until) * 1000)::text as ms from ${test.schema}.leases where executor_id = $1::uuid`,
    values: [executorId],
  });
  return row?.ms ?? null;
}
