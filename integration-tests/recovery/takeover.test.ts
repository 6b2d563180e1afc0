import { expect, it } from 'vitest';
import { Cluster } from './cluster.js';
import { eventually } from './eventually.js';
import { countBegins } from './ledger.js';
import type { Start } from './worker-process.js';

const leaseMs = 3_000;

it(
  'finishes 100 runs of a killed process within its lease and 5 s, and repeats no recorded step',
  { timeout: 90_000 },
  async () => {
    const cluster = await Cluster.create();
    const [a, b] = await Promise.all([cluster.launch('A', { leaseMs }), cluster.launch('B', { leaseMs })]);
    const runs = Array.from({ length: 100 }, (_, no): Start => ({
      workflow: 'gated',
      workflowId: `run-${no}`,
      args: [no, (no % 5) + 1],
    }));
    const workflowIds = runs.map((run) => run.workflowId);
    const finished = ['finished-0', 'finished-1', 'finished-2'];
    await a.start(...finished.map((workflowId): Start => ({ workflow: 'gated', workflowId, args: [0, 0] })));
    await a.ends(finished);
    await a.start(...runs);
    await cluster.ledgerHas(100, 'a step is at its gate', (line) => line.event === 'waits');

    await a.kill();
    const killedAtMs = performance.now();
    cluster.open('middle');
    await eventually('100 outcomes more', async () => (await cluster.countOutcomes()) === 103, leaseMs + 30_000);
    const tookMs = performance.now() - killedAtMs;

    expect(tookMs).toBeLessThan(leaseMs + 5_000);
    expect(await b.ends(workflowIds)).toEqual(workflowIds.map((_, no) => ({ value: [no + 15, 12] })));
    for (const status of await b.statuses(workflowIds)) {
      expect(status).toMatchObject({ status: 'completed', attempt: 2, crashes: [{ attempt: 1 }] });
    }
    for (const status of await b.statuses(finished)) expect(status).toMatchObject({ attempt: 1, crashes: [] });

    const { ledger } = cluster;
    const recordedByA = new Set(
      (await cluster.recordedSteps()).filter(({ attempt }) => attempt === 1).map(({ key }) => key),
    );
    const begunByA = new Set(ledger.filter((line) => line.process === 'A').map((line) => line.key));
    const begunByB = ledger.filter((line) => line.process === 'B' && line.event === 'begin').map((line) => line.key);
    expect(recordedByA.size).toBeGreaterThan(100);
    expect(begunByB.filter((key) => recordedByA.has(key))).toEqual([]);

    const inFlight = [...begunByA].filter((key) => !recordedByA.has(key));
    const begunTwice = [...countBegins(ledger)].filter(([, count]) => count > 1);
    expect(begunTwice.map(([key]) => key).sort()).toEqual(inFlight.sort());
    expect(begunTwice.every(([, count]) => count === 2)).toBe(true);
    // Each run awaits two chains of steps, so no more than two steps of it can have been in flight.
    for (const workflowId of workflowIds) {
      expect(inFlight.filter((key) => key.startsWith(`${workflowId}:`)).length).toBeLessThanOrEqual(2);
    }
  },
);
