import { PerdureClient, type Slot, workflow } from '@perdure/core';
import { expect, it, onTestFinished } from 'vitest';
import { laneOptions } from '../support/lanes.js';
import { Cluster } from './cluster.js';
import { eventually } from './eventually.js';
import { countBegins, type LedgerLine } from './ledger.js';
import type { WorkerProcess } from './worker-process.js';

const periodMs = 200;

/** Without notifications, processes look every half a minute whether there are new schedules. */
const deadlineMs = 60_000;

it(
  'each slot fires one run in two processes, one of which is killed again and again',
  { timeout: 120_000 },
  async () => {
    const cluster = await Cluster.create();
    const workers: WorkerProcess[] = await Promise.all([cluster.launch('A'), cluster.launch('B')]);
    const { notifications = true } = laneOptions;
    const client = await PerdureClient.connect({ databaseUrl: cluster.url, schema: cluster.schema, notifications });
    onTestFinished(() => client.close());
    const slotted = workflow('slotted', async (_: Slot) => {});
    await client.schedules.set('ticks', { timing: { every: periodMs }, workflow: slotted });

    const isSlot = ({ event, name }: LedgerLine): boolean => event === 'begin' && name === 'slot';
    const hasBegun = async (count: number): Promise<void> =>
      await cluster.ledgerHas(count, 'a slot has begun', isSlot, deadlineMs);
    for (const [no, label] of ['C', 'D', 'E', 'F'].entries()) {
      await hasBegun(5 * (no + 1));
      await workers.shift()!.kill();
      workers.push(await cluster.launch(label));
    }
    await hasBegun(25);
    await client.schedules.pause('ticks');
    const { fired, missed, skipped } = await client.schedules.get('ticks');
    await eventually('all runs have ended', async () => (await cluster.countOutcomes()) === fired, 60_000);

    const runs = await cluster.sql<{ id: string; kind: string }>(
      `select workflow_id as id, kind from ${cluster.schema}.runs join ${cluster.schema}.outcomes using (workflow_id)
        order by workflow_id`,
    );
    const slots = runs.map(({ id }) => Date.parse(id.slice('ticks@'.length)));
    expect(slots).toEqual(slots.map((_, no) => slots[0]! + no * periodMs));
    expect(runs.filter(({ kind }) => kind !== 'completed')).toEqual([]);
    expect({ fired, missed, skipped }).toEqual({ fired: runs.length, missed: 0, skipped: 0 });
    // A step is repeated only if its process was killed before the step was recorded.
    const repeated = [...countBegins(cluster.ledger)].filter(([, count]) => count > 1).map(([key]) => key);
    const crashed = await cluster.sql<{ id: string }>(
      `select workflow_id as id from ${cluster.schema}.runs where attempt > 1`,
    );
    expect(repeated.filter((key) => !crashed.some(({ id }) => key.startsWith(`${id}:`)))).toEqual([]);
    expect(countBegins(cluster.ledger).size).toBe(runs.length);
  },
);
