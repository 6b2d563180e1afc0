import { randomUUID } from 'node:crypto';
import { createStore, type Database, migrate, postgres, type Queryable } from '@perdure/core/internal';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { databases } from '../support/databases.js';
import { freshDatabase } from '../support/engines.js';
import { flushBatch } from '../support/flush-batch.js';

const openPostgres = databases.find((kind) => kind.name === 'postgres')!.open;
const opened: Database[] = [];
const release = { crashesMax: 5, deadPayload: '', runsMax: 100, now: null };

afterEach(async () => {
  for (const database of opened.splice(0)) await database.close();
});

/** Two sessions, stepped by hand: every order of a flush and a revocation, on a real Postgres. */
describe('the fence', () => {
  it('lets a flush in flight finish before its executor is revoked, and what it wrote is recovered', async () => {
    const { zombie, other, executorId, session } = await arrange();
    const flush = await session();
    const result = await createStore(bound(flush.tx), zombie.schema).flush.writeNew(batch(executorId, 'late'));
    expect(result.held).toBe(true);

    let isRevoked = false;
    const revoking = other.executors.revokeLapsed({ exceptId: randomUUID(), now: null }).then((lost) => {
      isRevoked = true;
      return lost;
    });
    await waitsForLock(zombie.database, zombie.schema);
    expect(isRevoked).toBe(false);

    await flush.commit();
    expect(await revoking).toMatchObject([{ lapsedMs: expect.closeTo(1_000, -4) as number }]);
    const freed = { workflow: 'w', crashed: true, dead: false, runs: 1 };
    expect(await other.ownership.releaseRevoked(release)).toEqual([freed]);
    expect((await other.runs.find('late'))?.status).toBe('enqueued');
    expect((await other.runs.loadHistories(['late'])).get('late')).toHaveLength(1);
  });

  it('frees what an executor leaves behind a part at a time, however much that is', async () => {
    const { zombie, other, executorId } = await arrange();
    const { flush } = createStore(zombie.database, zombie.schema);
    for (const workflowId of ['a', 'b', 'c']) await flush.writeNew(batch(executorId, workflowId));
    await other.executors.revokeLapsed({ exceptId: randomUUID(), now: null });
    const freed = async (): Promise<number[]> =>
      (await other.ownership.releaseRevoked({ ...release, runsMax: 2 })).map(({ runs }) => runs);
    expect([await freed(), await freed(), await freed()]).toEqual([[2], [1], []]);
    for (const workflowId of ['a', 'b', 'c']) expect((await other.runs.find(workflowId))?.crashes).toHaveLength(1);
    const text = `select count(*)::int4 as count from ${zombie.schema}.executors`;
    expect(await zombie.database.query({ name: `left_${zombie.schema}`, text, values: [] })).toEqual([{ count: 0 }]);
  });

  it('stops a flush that comes while its executor is being revoked, and nothing of it is written', async () => {
    const { zombie, executorId, session } = await arrange();
    const revoking = await session();
    const { executors } = createStore(bound(revoking.tx), zombie.schema);
    expect(await executors.revokeLapsed({ exceptId: randomUUID(), now: null })).toHaveLength(1);

    const store = createStore(zombie.database, zombie.schema);
    const flushing = store.flush.writeNew(batch(executorId, 'zombie'));
    await waitsForLock(zombie.database, zombie.schema);
    await revoking.commit();
    expect((await flushing).held).toBe(false);
    expect(await store.runs.find('zombie')).toBeNull();
  });

  it('stops a flush, a claim and a heartbeat after the revocation, however often they are sent', async () => {
    const { zombie, other, executorId } = await arrange();
    expect(await other.executors.revokeLapsed({ exceptId: randomUUID(), now: null })).toHaveLength(1);
    const store = createStore(zombie.database, zombie.schema);
    for (let sent = 0; sent < 2; sent += 1) {
      expect((await store.flush.writeNew(batch(executorId, 'zombie'))).held).toBe(false);
      expect((await store.flush.writeMissing(batch(executorId, 'zombie'))).held).toBe(false);
      const heartbeat = { executorId, leaseMs: 15_000, oldestClaimNo: 1, sentUntil: null, now: null };
      expect(await store.executors.heartbeat(heartbeat)).toBeNull();
      await other.ownership.releaseRevoked(release);
    }
    expect(await store.runs.find('zombie')).toBeNull();
  });

  it('lets a heartbeat that comes in time save the lease from a revocation that waits for it', async () => {
    const { zombie, other, executorId, session } = await arrange();
    const beating = await session();
    const { executors } = createStore(bound(beating.tx), zombie.schema);
    const heartbeat = { executorId, leaseMs: 60_000, oldestClaimNo: 1, sentUntil: null, now: null };
    expect(await executors.heartbeat(heartbeat)).not.toBeNull();
    const revoking = other.executors.revokeLapsed({ exceptId: randomUUID(), now: null });
    await waitsForLock(zombie.database, zombie.schema);
    await beating.commit();
    expect(await revoking).toEqual([]);
  });

  it('does not make the heartbeat wait for a flush', async () => {
    const { zombie, executorId, session } = await arrange();
    const flush = await session();
    await createStore(bound(flush.tx), zombie.schema).flush.writeNew(batch(executorId, 'slow'));
    const { executors } = createStore(zombie.database, zombie.schema);
    const heartbeat = { executorId, leaseMs: 60_000, oldestClaimNo: 1, sentUntil: null, now: null };
    expect(await executors.heartbeat(heartbeat)).not.toBeNull();
    await flush.commit();
  });

  it('writes what is missing when the reply to a flush was lost, and tells own starts from those of others', async () => {
    const { zombie, other, executorId } = await arrange();
    const store = createStore(zombie.database, zombie.schema);
    await store.flush.writeNew(batch(executorId, 'mine'));
    await expect(store.flush.writeNew(batch(executorId, 'mine'))).rejects.toMatchObject({ code: '23505' });
    expect((await store.flush.writeMissing(batch(executorId, 'mine'))).takenSeeds).toEqual(new Set());
    expect((await other.runs.loadHistories(['mine'])).get('mine')).toHaveLength(1);

    const otherId = randomUUID();
    await other.executors.register({
      executorId: otherId,
      label: 'other',
      collectsMetrics: false,
      leaseMs: 60_000,
      sentUntil: null,
      now: null,
    });
    const otherRun = batch(otherId, 'mine');
    const taken = await other.flush.writeMissing({ ...otherRun, checkpoints: [] });
    expect(taken).toEqual({ held: true, takenSeeds: new Set([otherId]), hasWoken: false });

    // What a process had sent as another executor, or got by another claim, is no start of this one.
    const { starts, ...rest } = batch(executorId, 'mine');
    const sentAgain = { ...rest, checkpoints: [], starts: starts.map((run) => ({ ...run, claimNo: run.claimNo + 1 })) };
    for (const sent of [{ ...sentAgain, starts, executorId: otherId }, sentAgain]) {
      expect((await other.flush.writeMissing(sent)).takenSeeds).toEqual(new Set([executorId]));
    }
  });
});

/** A schema with one executor whose lease has lapsed, and what is needed to step sessions by hand. */
async function arrange() {
  const zombie = await freshDatabase(openPostgres);
  await migrate(zombie.database, zombie.schema);
  const executorId = randomUUID();
  const store = createStore(zombie.database, zombie.schema);
  const lease = { leaseMs: -1_000, sentUntil: null, now: null };
  await store.executors.register({ executorId, label: 'zombie', collectsMetrics: false, ...lease });
  const connect = () => {
    const database = postgres({ url: inject('engineUrl') });
    opened.push(database);
    return database;
  };
  return { zombie, executorId, other: createStore(connect(), zombie.schema), session: () => beginSession(connect()) };
}

interface Session {
  readonly tx: Queryable;
  commit(): Promise<void>;
}

/** A transaction that stays open until it is told to commit. */
async function beginSession(database: Database): Promise<Session> {
  return await new Promise<Session>((resolve, reject) => {
    let end = (): void => {};
    const held = new Promise<void>((release) => (end = release));
    const done = database.transaction(async (tx) => {
      resolve({
        tx,
        commit: async () => {
          end();
          await done;
        },
      });
      await held;
    });
    done.catch(reject);
  });
}

function bound(tx: Queryable): Database {
  const unused = () => Promise.reject(new Error('not in a transaction'));
  return {
    kind: 'postgres',
    pools: [],
    query: tx.query,
    script: tx.script,
    transaction: unused,
    sharedTransaction: unused,
    through: () => tx,
    listen: unused,
    close: unused,
  };
}

function batch(executorId: string, workflowId: string) {
  const at = Date.UTC(2030, 0, 1);
  return flushBatch(executorId, {
    starts: [
      {
        workflowId,
        name: 'w',
        version: '1',
        input: null,
        parentId: null,
        detached: false,
        claimNo: 1,
        seed: executorId,
        createdAt: at,
        deadlineAt: null,
        context: null,
        fingerprint: null,
        attributes: null,
        trace: null,
      },
    ],
    checkpoints: [
      {
        workflowId,
        position: 0,
        seq: 0,
        kind: 'step' as const,
        name: 's',
        payload: '1',
        failed: false,
        startedAt: at,
        finishedAt: at,
        attempt: 1,
      },
    ],
  });
}

/** Waits until a session waits for a lock on a row of this schema. */
async function waitsForLock(database: Database, schema: string): Promise<void> {
  await expect
    .poll(async () => {
      const rows = await database.query({
        name: 'test_waiting',
        text: `select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%' || $1::text || '%'`,
        values: [schema],
      });
      return rows.length;
    })
    .toBeGreaterThan(0);
}
