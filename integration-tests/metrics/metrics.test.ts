import { randomUUID } from 'node:crypto';
import { metrics } from '@opentelemetry/api';
import { queue, sleep, step, workflow } from '@perdure/core';
import { createStore, instruments } from '@perdure/core/internal';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { countingDatabase } from '../support/counting-database.js';
import { databases } from '../support/databases.js';
import { freshDatabase, launchEngine, testEngine } from '../support/engines.js';
import { Collector } from './collector.js';

let collector: Collector;
beforeEach(() => {
  collector = new Collector();
  collector.register();
});
afterEach(async () => {
  await collector.stop();
});

/** Something that others wait for. */
function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

describe.each(databases)('the metrics about the database on $name', ({ open }) => {
  it('tell how long a queue is and how old, and how long its runs waited, without the delay that they were to have', async () => {
    const line = queue('line', { concurrency: 1 });
    const { opened, open: letGo } = gate();
    const work = workflow('work', async () => await step.run('pass', () => opened));
    const engine = await testEngine(await freshDatabase(open), { workflows: [work] });
    const { clock, perdure } = engine;
    const enqueue = (options = {}) => line.with({ engine: perdure, ...options }).enqueue(work);
    // While a step is under way, virtual time goes on only as far as it is told to.
    const first = await enqueue();
    const held = clock.hold();
    const second = await enqueue();
    const delayed = await enqueue({ delay: '1h' });
    clock.advance(10_000);
    const state = (queueState: string) => ({ 'perdure.queue.name': 'line', 'perdure.queue.state': queueState });
    await expect
      .poll(async () => {
        // So little that no lease lapses: of a run that is taken over, nobody counts how long it had waited.
        clock.advance(500);
        return await collector.value('perdure.queue.depth', state('waiting'));
      })
      .toBe(1);
    expect(await collector.value('perdure.queue.depth', state('delayed'))).toBe(1);
    expect(await collector.value('perdure.queue.age', { 'perdure.queue.name': 'line' })).toBeGreaterThanOrEqual(10);
    letGo();
    held.release();
    await Promise.all([first, second, delayed].map((run) => run.result()));
    const [waits] = await collector.find('perdure.queue.wait', {
      'perdure.queue.name': 'line',
      'perdure.workflow.name': 'work',
    });
    expect(waits).toMatchObject({ value: 3 });
    expect(waits!.sum).toBeGreaterThanOrEqual(10);
    expect(waits!.sum).toBeLessThan(3_600);
  });

  it('are told by one process where they are the same for all', async () => {
    const test = await freshDatabase(open);
    queue('told of by one');
    const first = await launchEngine(test, { workflows: [] });
    const another = new Collector();
    another.register();
    await launchEngine({ ...test, database: await test.reopen() }, { workflows: [] });
    const depth = (by: Collector) =>
      by.value('perdure.queue.depth', { 'perdure.queue.name': 'told of by one', 'perdure.queue.state': 'waiting' });
    expect([await depth(collector), await depth(another)]).toEqual([0, undefined]);
    // Who has told before is told anyhow: a collector would repeat its last number.
    const { vitals } = createStore(test.database, test.schema);
    const asking = { executorId: randomUUID(), now: null };
    expect(await vitals.read({ ...asking, anyhow: false })).toBeNull();
    expect((await vitals.read({ ...asking, anyhow: true }))?.queues).toContainEqual(
      expect.objectContaining({ queue: 'told of by one', state: 'waiting', depth: 0 }),
    );
    await first.shutdown();
    // Asked for the first time when the first was there, and again by a third.
    const third = new Collector();
    third.register();
    await launchEngine({ ...test, database: await test.reopen() }, { workflows: [] });
    expect(await depth(third)).toBeUndefined();
    await another.stop();
    await third.stop();
  });

  it('cost the database one question in ten seconds, however often and by however many they are collected', async () => {
    const test = await freshDatabase(open);
    const database = countingDatabase(test.database);
    const { clock } = await testEngine({ ...test, database }, { workflows: [] });
    const [sent, since] = [database.sent.length, clock.now()];
    await expect
      .poll(async () => {
        await Promise.all([collector.collect(), collector.collect()]);
        return clock.now() - since;
      })
      .toBeGreaterThanOrEqual(60_000);
    const seconds = (clock.now() - since) / 1_000;
    expect(database.count('vitals_read')).toBeGreaterThan(1);
    expect(database.count('vitals_read')).toBeLessThanOrEqual(seconds / 10 + 1);
    expect((database.sent.length - sent) / seconds).toBeLessThanOrEqual(2);
  });
});

const [{ open }] = databases as [(typeof databases)[number]];

describe('the metrics of an engine', () => {
  it('tell of starts, outcomes, steps, retries and commits, by name and by kind of error', async () => {
    let tries = 0;
    const charge = step('charge', () => ++tries > 1 || Promise.reject(new RangeError('again')), {
      retries: 1,
      backoff: { initial: 1 },
    });
    const child = workflow('child', async () => await charge());
    const order = workflow('order', async () => await child());
    const failing = workflow('failing', () => Promise.reject(new TypeError('no')));
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [order, child, failing] });
    await order.with({ workflowId: 'o', engine: perdure })();
    await order.with({ workflowId: 'o', engine: perdure })();
    await failing
      .with({ engine: perdure })()
      .catch(() => {});

    const of = (workflowName: string) => ({ 'perdure.workflow.name': workflowName });
    expect(await collector.value('perdure.workflow.started', of('order'))).toBe(1);
    expect(await collector.value('perdure.workflow.started', of('child'))).toBe(1);
    const completed = { ...of('order'), 'perdure.outcome': 'completed' };
    expect(await collector.value('perdure.workflow.duration', completed)).toBe(1);
    const failed = { ...of('failing'), 'perdure.outcome': 'failed', 'error.type': 'TypeError' };
    expect(await collector.value('perdure.workflow.duration', failed)).toBe(1);
    const tried = { ...of('child'), 'perdure.step.name': 'charge' };
    expect(await collector.value('perdure.step.duration', { ...tried, 'perdure.outcome': 'completed' })).toBe(1);
    const again = { ...tried, 'perdure.outcome': 'failed', 'error.type': 'RangeError' };
    expect(await collector.value('perdure.step.duration', again)).toBe(1);
    expect(await collector.value('perdure.step.retries', tried)).toBe(1);
    expect(await collector.value('perdure.checkpoint.duration')).toBeGreaterThanOrEqual(4);
  });

  it('tell how many runs are in memory, and that there are none', async () => {
    const { opened, open: letGo } = gate();
    const waiting = workflow('waiting', async () => await step.run('wait', () => opened));
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [waiting] });
    const active = () => collector.value('perdure.workflow.active', { 'perdure.workflow.name': 'waiting' });
    expect(await active()).toBe(0);
    const runs = await Promise.all([1, 2].map(() => waiting.with({ engine: perdure }).start()));
    expect(await active()).toBe(2);
    letGo();
    await Promise.all(runs.map((run) => run.result()));
    expect(await active()).toBe(0);
  });

  it('tell what was recovered after a crash, how late, and how long the replay took', async () => {
    const twice = workflow('twice', async () => {
      await step.run('first', () => 1);
      await step.run('second', () => 2);
    });
    const engine = await testEngine(await freshDatabase(open), { workflows: [twice] });
    const crashed = engine.crashAfter(1);
    await twice.with({ workflowId: 't', engine: engine.perdure }).start();
    await crashed;
    await engine.restart();
    await engine.perdure.run('t').result();
    const recovered = { 'perdure.workflow.name': 'twice', 'perdure.recovery.reason': 'crash' };
    expect(await collector.value('perdure.recovery.workflows', recovered)).toBe(1);
    const [delay] = await collector.find('perdure.recovery.delay');
    expect(delay).toMatchObject({ value: 1 });
    // The lease is 15 s long.
    expect(delay!.sum).toBeGreaterThanOrEqual(15);
    expect(delay!.sum).toBeLessThan(60);
    expect(await collector.value('perdure.replay.duration', { 'perdure.workflow.name': 'twice' })).toBe(1);
  });

  it('tell what was handed over', async () => {
    const sleeper = workflow('sleeper', async () => await sleep('1h'));
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [sleeper] });
    await sleeper.with({ engine: perdure }).start();
    await perdure.shutdown();
    const handedOver = { 'perdure.workflow.name': 'sleeper', 'perdure.recovery.reason': 'handover' };
    expect(await collector.value('perdure.recovery.workflows', handedOver)).toBe(1);
    expect(await collector.find('perdure.recovery.delay')).toEqual([]);
  });

  it('tell what was given up, as process after process died under it', async () => {
    const poison = workflow('poison', async () => await step.run('die', () => new Promise(() => {})));
    const test = await freshDatabase(open);
    const engine = await testEngine(test, { workflows: [poison], maxCrashes: 2 });
    const run = await poison.with({ engine: engine.perdure }).start();
    await expect.poll(() => engine.perdure.health().runs).toBe(1);
    await test.administer(`update ${test.schema}.runs set crashes = 2`);
    await engine.restart();
    // Whoever asked before would hear of it at the next poll, for which time has to go on: the step that never ends holds it.
    await expect.poll(async () => (await engine.perdure.run(run.workflowId).status()).status).toBe('dead');
    await expect(engine.perdure.run(run.workflowId).result()).rejects.toMatchObject({ code: 'PERDURE_RUN_DEAD' });
    expect(await collector.value('perdure.dead', { 'perdure.workflow.name': 'poison' })).toBe(1);
  });

  it('tell what is blocked, and that nothing is', async () => {
    const test = await freshDatabase(open);
    const before = workflow('changed', async () => [await step.run('a', () => 1), await sleep('1d')], { version: '1' });
    const after = workflow('changed', async () => await step.run('b', () => 1), { version: '1' });
    const blocked = () => collector.value('perdure.blocked', { 'perdure.workflow.name': 'changed' });
    const first = await launchEngine(test, { workflows: [before] });
    expect(await blocked()).toBe(0);
    const run = await before.with({ engine: first }).start();
    const { runs } = createStore(test.database, test.schema);
    const recorded = async () => (await runs.loadHistories([run.workflowId])).get(run.workflowId)?.length;
    await expect.poll(recorded).toBe(2);
    await first.shutdown();
    const second = await launchEngine({ ...test, database: await test.reopen() }, { workflows: [after] });
    await expect.poll(async () => (await second.run(run.workflowId).status()).status).toBe('blocked');
    expect(await blocked()).toBe(1);
  });

  it('tell how late timers and heartbeats are', async () => {
    const nap = workflow('nap', async () => await sleep('40s'));
    const engine = await testEngine(await freshDatabase(open), { workflows: [nap] });
    await nap.with({ engine: engine.perdure })();
    const [lag] = await collector.find('perdure.timer.lag');
    expect(lag).toMatchObject({ value: 1 });
    expect(lag!.sum).toBeLessThan(40);
    expect(await collector.value('perdure.heartbeat.delay')).toBeGreaterThanOrEqual(1);
  });

  it('tell of writes that a lost lease stopped, and of errors of the database by their SQLSTATE', async () => {
    const test = await freshDatabase(open);
    const { opened, open: letGo } = gate();
    const zombie = workflow('zombie', async () => await step.run('slow', () => opened));
    const perdure = await launchEngine(test, { workflows: [zombie], lease: '1h' });
    await zombie.with({ engine: perdure }).start();
    const { executors } = createStore(test.database, test.schema);
    await executors.revokeLapsed({ exceptId: randomUUID(), now: Date.now() + 7_200_000 });
    letGo();
    // The step's result and the run's outcome are one commit.
    await expect.poll(() => collector.value('perdure.fenced_writes')).toBe(2);

    await test.administer(`alter table ${test.schema}.schedules rename to moved`);
    await perdure.schedules.list().catch(() => {});
    const undefinedTable = { 'db.response.status_code': '42P01', 'error.type': 'permanent' };
    expect(await collector.value('perdure.db.errors', undefinedTable)).toBeGreaterThanOrEqual(1);
  });

  it('tell of the pools, and of transactions that hold Postgres up', async () => {
    const test = await freshDatabase(open);
    const perdure = await launchEngine(test, { workflows: [] });
    await perdure.queues.list();
    const pool = { 'db.client.connection.pool.name': 'engine' };
    const counts = await collector.find('db.client.connection.count', pool);
    const states = new Set(counts.map(({ attributes }) => attributes['db.client.connection.state']));
    expect(states).toEqual(new Set(['idle', 'used']));
    expect(counts.reduce((sum, { value }) => sum + value, 0)).toBeGreaterThanOrEqual(1);
    expect(await collector.value('db.client.connection.wait_time', pool)).toBeGreaterThanOrEqual(1);

    const other = await test.reopen();
    await other.transaction(async (tx) => {
      await tx.query({ name: `snapshot_${test.schema}`, text: 'declare held cursor for select 1', values: [] });
      const observed = new Collector();
      observed.register();
      const late = await launchEngine({ ...test, schema: test.schema }, { workflows: [] });
      await perdure.shutdown();
      expect(await observed.value('perdure.db.oldest_snapshot_age')).toBeGreaterThan(0);
      await late.shutdown();
      await observed.stop();
    });
  });

  it('have no id in their attributes', async () => {
    const line = queue('orders');
    const work = workflow('work', async (id: string) => await step.run('echo', () => id));
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [work] });
    const ids = ['run-1-of-a-customer', randomUUID()];
    for (const workflowId of ids) {
      await (await line.with({ engine: perdure, workflowId, key: workflowId }).enqueue(work, workflowId)).result();
    }
    const points = await collector.collect();
    for (const { name: metric, unit } of points) {
      expect(instruments[metric as keyof typeof instruments].unit).toBe(unit);
    }
    const told = new Set(points.flatMap(({ attributes }) => Object.values(attributes)));
    for (const id of [...ids, perdure.executorId!]) expect([...told].join(' ')).not.toContain(id);
    expect(told).toContain('orders');
  });
});

describe('without an SDK', () => {
  it('nothing is counted, and the database is asked nothing', async () => {
    metrics.disable();
    const test = await freshDatabase(open);
    const database = countingDatabase(test.database);
    const work = workflow('work', async () => await step.run('one', () => 1));
    const perdure = await launchEngine({ ...test, database }, { workflows: [work] });
    expect(await work.with({ engine: perdure })()).toBe(1);
    expect(database.count('vitals')).toBe(0);
    expect(await collector.collect()).toEqual([]);
  });
});
