import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { openEntryOfItsOwn } from '../support/lane-entry.js';
import { lane } from '../support/lanes.js';
import { Cluster } from './cluster.js';
import { eventually } from './eventually.js';
import type { Ended, Start, WorkerProcess } from './worker-process.js';

const leaseMs = 1_500;
const runs = Array.from({ length: 4 }, (_, no): Start => ({
  workflow: 'guarded',
  workflowId: `run-${no}`,
  args: [no],
}));
const workflowIds = runs.map((run) => run.workflowId);
/** What waits at the gate in each run: two steps of its own, and one of each child. */
const waitsInEachRun = 4;

interface Findings {
  readonly ends: readonly Ended[];
  /** The blocks that ran although nothing was answered, or with an error. */
  readonly ran: ReadonlySet<string>;
}

/** The step that fails by itself shows that the blocks do run when they should. */
const unharmed: Findings = {
  ends: workflowIds.map((_, n) => ({
    value: { rest: [n + 2, null, n + 3, n + 3, n + 3, 20, 'declined'], last: n + 11 },
  })),
  ran: new Set(['caught: failing step: Error: declined', 'finally: failing step']),
};

describe('the catch and finally blocks of a workflow see nothing', () => {
  it('of a SIGKILL and a takeover', { timeout: 90_000 }, async () => {
    const cluster = await Cluster.create();
    const [a, b] = await startBoth(cluster);
    await a.kill();
    cluster.open('middle');
    expect(await findings(cluster, b)).toEqual(unharmed);
  });

  it('of a pause beyond the lease, neither in the process that was paused', { timeout: 90_000 }, async () => {
    const cluster = await Cluster.create();
    const [a, b] = await startBoth(cluster, { noticesLate: true });
    const firstId = await a.executorId();
    a.signal('SIGSTOP');
    await untilAtGate(cluster, 'B');
    cluster.open('middle.A');
    a.signal('SIGCONT');
    await a.hears('refused');
    await eventually('A has a new executor id', async () => (await a.executorId()) !== firstId);
    cluster.open('middle.B');
    expect(await findings(cluster, b)).toEqual(unharmed);
    // What reaches a promise late would have done so by now, while this process did other work.
    await a.start({ workflow: 'signed', workflowId: 'afterwards', args: ['middle'] });
    await a.ends(['afterwards']);
    expect(await findings(cluster, a)).toEqual(unharmed);
  });

  it('of a hand-over, in time or after the drain', { timeout: 90_000 }, async () => {
    const cluster = await Cluster.create();
    const [a, b] = await startBoth(cluster, { drainMs: 200 });
    a.signal('SIGTERM');
    await untilAtGate(cluster, 'B');
    expect(await a.exit).toEqual({ code: 0, signal: null });
    cluster.open('middle');
    expect(await findings(cluster, b)).toEqual(unharmed);
    expect((await b.statuses(workflowIds)).map(({ crashes }) => crashes)).toEqual(workflowIds.map(() => []));
  });

  it('of all connections being cut, again and again', { timeout: 90_000 }, async () => {
    const cluster = await Cluster.create();
    const { url, stop } = await openEntryOfItsOwn(lane, {
      serverUrl: inject('postgresUrl'),
      engineUrl: cluster.url,
    });
    onTestFinished(stop);
    const a = await cluster.launch('A', { leaseMs: 30_000, url });
    const firstId = await a.executorId();
    await a.start(...runs);
    let cut = 0;
    for (let ticks = 4; ticks <= 60; ticks += 4) {
      await cluster.ledgerHas(ticks, 'a tick', (line) => line.name === 'tick' && line.event === 'begin');
      cut += await cutConnections(cluster, 'A');
    }
    // Those of a pooler bear the name of whoever used them last.
    expect(cut).toBeGreaterThan(lane.has('pgbouncer') ? 0 : 10);
    await untilAtGate(cluster, 'A');
    await eventually('a connection is there to be cut', async () => (await cutConnections(cluster, 'A')) > 0);
    cluster.open('middle');
    expect(await findings(cluster, a)).toEqual(unharmed);
    expect(await a.executorId()).toBe(firstId);
    expect((await a.statuses(workflowIds)).map(({ attempt }) => attempt)).toEqual(workflowIds.map(() => 1));
  });
});

/** A runs everything, and has come to the gate in the middle; B stands by. */
async function startBoth(
  cluster: Cluster,
  options: { readonly noticesLate?: boolean; readonly drainMs?: number } = {},
): Promise<[WorkerProcess, WorkerProcess]> {
  const [a, b] = await Promise.all([cluster.launch('A', { leaseMs, ...options }), cluster.launch('B', { leaseMs })]);
  await a.start(...runs);
  await untilAtGate(cluster, 'A');
  return [a, b];
}

async function untilAtGate(cluster: Cluster, label: string): Promise<void> {
  const count = runs.length * waitsInEachRun;
  await cluster.ledgerHas(
    count,
    `${label} waits at the gate`,
    (line) => line.event === 'waits' && line.process === label,
  );
}

async function findings(cluster: Cluster, worker: WorkerProcess): Promise<Findings> {
  const ends = await worker.ends(workflowIds);
  const lines = cluster.ledger.filter(({ event }) => event === 'caught' || event === 'finally');
  return { ends, ran: new Set(lines.map(({ event, what }) => `${event}: ${what}`)) };
}

async function cutConnections(cluster: Cluster, label: string): Promise<number> {
  const cut = await cluster.sql('select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1', [
    cluster.applicationName(label),
  ]);
  return cut.length;
}
