import { describe, expect, it } from 'vitest';
import type { ReceivedSpan } from './received-span.js';
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

/** Spans under ones that the killed process had open, which nobody but that process could have sent. */
const lost = { api: ['start checkout', 'POST payments'], otel: [] } as const;

// Each has processes of its own, which take seconds to start, and more on a busy machine.
const limits = { timeout: 90_000 };

describe.each(['api', 'otel'] as const)(
  'the trace of a run whose process is killed, at level "%s",',
  limits,
  (level) => {
    it('is one, also where that process serves the request that waits for the run', async () => {
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
      expect(cluster.view).toMatchObject({ traces: 1, orphans: lost[level], duplicates: [], skewed: [] });
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

    it('is one through a queue, a process that is killed on another host, and a child on a third', async () => {
      const cluster = await TracedCluster.create({ level });
      const [a, b] = await Promise.all([
        cluster.launch('A', { host: 'first' }),
        cluster.launch('B', { host: 'second', queues: ['orders'], gates: ['charge'] }),
      ]);
      a.ask({ kind: 'request', workflowId: 'w', queue: 'orders', waits: true });
      await b.reaches('charge');
      await Promise.all([b.kill(), cluster.launch('C', { host: 'third', queues: ['orders', 'shipping'] })]);
      expect(await a.answers()).toBe('order shipped');
      await cluster.finish();
      const orphans = level === 'otel' ? [] : ['POST payments'];
      expect(cluster.view).toMatchObject({ traces: 1, orphans, duplicates: [], skewed: [] });
      if (level === 'otel') expect(cluster.view.roots).toEqual(['POST /orders']);
      expect(attemptsOf(cluster, 'checkout')).toEqual([1, 2]);
      expect(new Set(cluster.spans.map(instanceOf))).toEqual(new Set(['A', 'B', 'C']));
      expect(cluster.named('request (lost)')).toEqual([]);
    });
  },
);

describe('the trace of a run whose process is killed before its spans left it,', limits, () => {
  it('is one without orphans, with the ids and stand-ins', async () => {
    const cluster = await TracedCluster.create({ level: 'otel', flushesAtGates: false });
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

  it('is one also where that process was only slow, and goes on', async () => {
    const cluster = await TracedCluster.create({ level: 'otel' });
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

  it('lacks at most the request, where that did not wait', async () => {
    const cluster = await TracedCluster.create({ level: 'otel', flushesAtGates: false });
    const [a] = await Promise.all([
      cluster.launch('A', { gates: ['reserve'] }),
      cluster.launch('B', { queues: ['shipping'] }),
    ]);
    a.ask({ kind: 'request', workflowId: 'w', queue: null, waits: false });
    await a.reaches('reserve');
    await a.kill();
    expect(await cluster.outcomeOf('w')).toBe('completed');
    await cluster.finish();
    const { orphans, duplicates, traces } = cluster.view;
    // The request had ended, so that its span may have left the process, or not: another one with its id could be the second.
    expect(orphans.filter((name) => name !== 'start checkout')).toEqual([]);
    expect([traces, duplicates]).toEqual([1, []]);
  });
});
