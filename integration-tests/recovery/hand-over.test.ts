import { describe, expect, it } from 'vitest';
import { Cluster } from './cluster.js';
import { eventually } from './eventually.js';
import { countBegins } from './ledger.js';

// No lease lapses while these tests run: what B takes, it was given.
const leaseMs = 60_000;
const soonMs = 20_000;

describe('SIGTERM and shutdown', () => {
  it(
    'hands runs over at once, once the steps under way have ended, and repeats none of them',
    { timeout: 90_000 },
    async () => {
      const cluster = await Cluster.create();
      const [a, b] = await Promise.all([
        cluster.launch('A', { leaseMs, drainMs: 30_000 }),
        cluster.launch('B', { leaseMs }),
      ]);
      const workflowIds = ['one', 'two', 'three'];
      await a.start(...workflowIds.map((workflowId) => ({ workflow: 'gated' as const, workflowId, args: [0, 2] })));
      await cluster.ledgerHas(3, 'A waits at the gate', (line) => line.event === 'waits');

      a.signal('SIGTERM');
      await a.hears('draining');
      cluster.open('middle.A');
      expect(await within(soonMs, a.exit)).toEqual({ code: 0, signal: null });
      expect(await within(soonMs, b.ends(workflowIds))).toEqual(workflowIds.map(() => ({ value: [15, 12] })));
      for (const status of await b.statuses(workflowIds)) {
        expect(status).toMatchObject({ status: 'completed', attempt: 2, crashes: [] });
      }
      for (const [key, count] of countBegins(cluster.ledger)) expect([key, count]).toEqual([key, 1]);
      expect(countOfWaits(cluster, 'B')).toBe(0);
      expect(cluster.ledger.filter((line) => line.process === 'B' && line.name === 'add').length).toBeGreaterThan(0);
    },
  );

  it(
    'gives up steps that outlast the drain, and everything that sleeps or waits for a child',
    { timeout: 90_000 },
    async () => {
      const cluster = await Cluster.create();
      const [a, b] = await Promise.all([
        cluster.launch('A', { leaseMs, drainMs: 100 }),
        cluster.launch('B', { leaseMs }),
      ]);
      await a.start(
        { workflow: 'lasting', workflowId: 'parent', args: ['middle'] },
        { workflow: 'signed', workflowId: 'single', args: ['middle'] },
      );
      await cluster.ledgerHas(2, 'A waits at the gate', (line) => line.event === 'waits');

      a.signal('SIGTERM');
      await eventually('B waits at the gate', () => countOfWaits(cluster, 'B') === 2, soonMs);
      expect(await within(soonMs, a.exit)).toEqual({ code: 0, signal: null });
      cluster.open('middle');
      expect(await within(soonMs, b.ends(['parent', 'single']))).toEqual([
        { value: 'B' },
        { value: { before: 2, by: 'B', after: 3 } },
      ]);
      for (const status of await b.statuses(['parent', 'parent.0', 'single'])) {
        expect(status).toMatchObject({ status: 'completed', attempt: 2, crashes: [] });
      }
      const repeated = [...countBegins(cluster.ledger)].filter(([, count]) => count > 1);
      expect(new Map(repeated)).toEqual(
        new Map([
          ['parent.0:1', 2],
          ['single:1', 2],
        ]),
      );
    },
  );

  it('leaves nothing that keeps the process alive when it was idle, or alone', { timeout: 60_000 }, async () => {
    const cluster = await Cluster.create();
    const a = await cluster.launch('A', { leaseMs });
    a.signal('SIGTERM');
    expect(await within(soonMs, a.exit)).toEqual({ code: 0, signal: null });

    const next = await cluster.launch('next', { leaseMs, drainMs: 100 });
    await next.start({ workflow: 'signed', workflowId: 'run', args: ['middle'] });
    await cluster.ledgerHas(1, 'a step waits at the gate', (line) => line.event === 'waits');
    next.signal('SIGTERM');
    expect(await within(soonMs, next.exit)).toEqual({ code: 0, signal: null });

    // Whoever comes later finds the run available, without waiting for a lease.
    cluster.open('middle');
    const last = await cluster.launch('last', { leaseMs });
    expect(await within(soonMs, last.ends(['run']))).toMatchObject([{ value: { by: 'last' } }]);
    expect(await last.statuses(['run'])).toMatchObject([{ attempt: 2, crashes: [] }]);
  });
});

const countOfWaits = (cluster: Cluster, label: string): number =>
  cluster.ledger.filter((line) => line.event === 'waits' && line.process === label).length;

async function within<T>(deadlineMs: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`It did not come about in ${deadlineMs} ms`)), deadlineMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
