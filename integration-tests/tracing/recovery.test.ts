import { describe, expect, it } from 'vitest';
import { eventually } from '../recovery/eventually.js';
import type { ReceivedSpan } from './received-span.js';
import { testReceiver } from './test-receiver.js';
import { TracedCluster } from './traced-cluster.js';

const instanceOf = ({ resource }: ReceivedSpan): unknown => resource['service.instance.id'];

const attemptsOf = (cluster: TracedCluster, name: string): unknown[] =>
  cluster.named(`run ${name}`).map(({ attributes }) => attributes['perdure.attempt']);

/** The tries that were recorded, by step: none twice, and none that a replay repeated. */
const committedOf = (cluster: TracedCluster): string[] =>
  cluster.spans.flatMap(({ attributes }) =>
    attributes['perdure.outcome'] === 'committed' && 'perdure.step.seq' in attributes
      ? [`${String(attributes['perdure.workflow.name'])} ${String(attributes['perdure.step.name'])}`]
      : [],
  );

/** Of the sessions that are writing a checkpoint and were made to stop there. */
const stopped = (expression: string): string =>
  `select ${expression} from pg_stat_activity where wait_event = 'PgSleep' and query like '%SCHEMA%'`;

/** Spans under ones that the killed process had open, which nobody but that process could have sent. */
const lost = { api: ['POST payments', 'start checkout'], otel: [] } as const;

// Each has processes of its own, which take seconds to start, and more on a busy machine.
const limits = { timeout: 90_000 };

describe('the trace of a run whose process is killed', limits, () => {
  it.each(['api', 'otel'] as const)('is one, with the request that waits for the run, at level "%s"', async (level) => {
    const cluster = await TracedCluster.create({ level });
    const [a] = await Promise.all([
      cluster.launch('A', { gates: ['charge'] }),
      cluster.launch('B', { queues: ['shipping'] }),
    ]);
    a.ask({ kind: 'request', workflowId: 'w', queue: null, waits: true });
    await a.reaches('charge');
    await a.kill();
    expect(await cluster.outcomeOf('w')).toBe('completed');
    await cluster.finish();
    expect(cluster.view).toMatchObject({ traces: 1, duplicates: [], skewed: [] });
    expect([...cluster.view.orphans].sort()).toEqual(lost[level]);
    expect(attemptsOf(cluster, 'checkout')).toEqual([1, 2]);
    expect(cluster.named('run checkout').map(instanceOf)).toEqual(['A', 'B']);
    expect(cluster.named('execute checkout (lost)')).toMatchObject([
      { status: 'error', statusMessage: 'executor lost' },
    ]);
    expect(committedOf(cluster).sort()).toEqual(['checkout charge', 'checkout reserve', 'ship label']);
    const statuses = cluster.named('step charge').map(({ status, attributes }) => [attributes['error.type'], status]);
    expect(statuses).toEqual([
      ['TypeError', 'error'],
      [undefined, 'unset'],
    ]);
    expect(cluster.named('step charge (interrupted)')).toHaveLength(level === 'otel' ? 1 : 0);
  });

  it('is one through a queue, a kill on another host, and a child on a third', async () => {
    const cluster = await TracedCluster.create({});
    const [a, b] = await Promise.all([
      cluster.launch('A', { host: 'first' }),
      cluster.launch('B', { host: 'second', queues: ['orders'], gates: ['charge'] }),
    ]);
    a.ask({ kind: 'request', workflowId: 'w', queue: 'orders', waits: true });
    await b.reaches('charge');
    await Promise.all([b.kill(), cluster.launch('C', { host: 'third', queues: ['orders', 'shipping'] })]);
    expect(await a.answers()).toBe('order shipped');
    await cluster.finish();
    expect(cluster.view).toEqual({
      traces: 1,
      roots: ['POST /orders'],
      orphans: [],
      incomplete: [],
      duplicates: [],
      skewed: [],
    });
    expect(attemptsOf(cluster, 'checkout')).toEqual([1, 2]);
    expect(new Set(cluster.spans.map(instanceOf))).toEqual(new Set(['A', 'B', 'C']));
  });

  it('is one where nothing had left the process', async () => {
    const cluster = await TracedCluster.create({ flushesAtGates: false });
    const [a] = await Promise.all([
      cluster.launch('A', { gates: ['reserve'] }),
      cluster.launch('B', { queues: ['shipping'] }),
    ]);
    a.ask({ kind: 'request', workflowId: 'w', queue: null, waits: true });
    await a.reaches('reserve');
    await a.kill();
    expect(await cluster.outcomeOf('w')).toBe('completed');
    await cluster.finish();
    expect(cluster.view).toMatchObject({ traces: 1, orphans: [], incomplete: [], duplicates: [], skewed: [] });
  });

  it('is one where the transaction of a step had committed, and its checkpoint had not', async () => {
    const cluster = await TracedCluster.create({});
    const [a] = await Promise.all([cluster.launch('A'), cluster.launch('B')]);
    await cluster.sql(`
      create sequence SCHEMA.flushes;
      create function SCHEMA.stop_first() returns trigger language plpgsql as $$
      begin
        if nextval('SCHEMA.flushes') = 1 then perform pg_sleep(600); end if;
        return new;
      end $$;
      create trigger stop_first before insert on SCHEMA.checkpoints
        for each row when (new.name = 'book') execute function SCHEMA.stop_first();`);
    a.ask({ kind: 'settle', workflowId: 'w' });
    await eventually(
      'the transaction has committed',
      async () => (await cluster.sql('select from SCHEMA.transactions'))[0],
    );
    await eventually('its checkpoint is being written', async () => (await cluster.sql(stopped('pid')))[0]);
    await eventually('the call of the ledger was sent', () => cluster.named('POST ledger')[0]);
    await a.kill();
    await cluster.sql(stopped('pg_terminate_backend(pid)'));
    expect(await cluster.outcomeOf('w')).toBe('completed');
    await cluster.finish();
    expect(cluster.view).toMatchObject({ traces: 1, orphans: [], incomplete: [], duplicates: [], skewed: [] });
    expect(attemptsOf(cluster, 'settle')).toEqual([1, 2]);
    expect(cluster.named('POST ledger')).toHaveLength(1);
    expect(cluster.named('step book')).toEqual([]);
    expect(cluster.named('step book (interrupted)')).toHaveLength(1);
  });

  it('is one where that process was only slow, and goes on', async () => {
    const cluster = await TracedCluster.create({});
    const [a] = await Promise.all([
      cluster.launch('A', { gates: ['charge'] }),
      cluster.launch('B', { queues: ['shipping'] }),
    ]);
    a.ask({ kind: 'request', workflowId: 'w', queue: null, waits: true });
    await a.reaches('charge');
    a.signal('SIGSTOP');
    expect(await cluster.outcomeOf('w')).toBe('completed');
    a.signal('SIGCONT');
    a.ask({ kind: 'go' });
    expect(await a.answers()).toBe('order shipped');
    await cluster.finish();
    expect(cluster.view).toMatchObject({ traces: 1, orphans: [], incomplete: [], duplicates: [], skewed: [] });
    expect(committedOf(cluster).sort()).toEqual(['checkout charge', 'checkout reserve', 'ship label']);
  });
});

describe('the trace of a run that was taken at once from a process that is killed', limits, () => {
  const whole = { traces: 1, orphans: [], incomplete: [], duplicates: [], skewed: [] };

  it('is whole where that process had no time to send the start', async () => {
    const cluster = await TracedCluster.create({});
    const silent = await testReceiver();
    silent.manner = 'is silent';
    const [a] = await Promise.all([
      cluster.launch('A', { collector: silent.url }),
      cluster.launch('B', { queues: ['orders', 'shipping'] }),
    ]);
    a.ask({ kind: 'request', workflowId: 'w', queue: 'orders', waits: false });
    expect(await cluster.outcomeOf('w')).toBe('completed');
    await a.kill();
    await cluster.executorsAre(1);
    await cluster.finish();
    expect(cluster.view).toEqual({ ...whole, roots: ['start checkout (lost)'] });
  });

  it('has the start once where it was sent', async () => {
    const cluster = await TracedCluster.create({});
    const [a] = await Promise.all([cluster.launch('A'), cluster.launch('B', { queues: ['orders', 'shipping'] })]);
    a.ask({ kind: 'request', workflowId: 'w', queue: 'orders', waits: false });
    await eventually('the request was sent', () => cluster.named('POST /orders')[0]);
    const start = await eventually('the start was sent', () => cluster.named('start checkout')[0]);
    await eventually('that is known', async () => {
      const rows = await cluster.sql('select from SCHEMA.leases where sent_until_ms > ' + start.startNs / 1_000_000n);
      return rows.length === 2;
    });
    await a.kill();
    expect(await cluster.outcomeOf('w')).toBe('completed');
    await cluster.executorsAre(1);
    await cluster.finish();
    expect(cluster.view).toEqual({ ...whole, roots: ['POST /orders'] });
  });

  it('has the start once where that process had executed the run itself, and nobody heard what it had sent', async () => {
    const cluster = await TracedCluster.create({});
    const [a] = await Promise.all([cluster.launch('A', { queues: ['shipping'] }), cluster.launch('B')]);
    a.ask({ kind: 'request', workflowId: 'w', queue: null, waits: true });
    expect(await a.answers()).toBe('order shipped');
    await eventually('the request was sent', () => cluster.named('POST /orders')[0]);
    a.signal('SIGSTOP');
    const unheard = await cluster.sql(
      "update SCHEMA.leases l set sent_until_ms = 0 from SCHEMA.runs r where r.workflow_id = 'w' and r.executor_id = l.executor_id returning l.*",
    );
    expect(unheard).toHaveLength(1);
    await a.kill();
    await cluster.executorsAre(1);
    await cluster.finish();
    expect(cluster.view).toEqual({ ...whole, roots: ['POST /orders'] });
  });
});
