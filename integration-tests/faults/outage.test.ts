import { passOn } from '../support/pass-on.js';
import { type Perdure, step, workflow } from '@perdure/core';
import { type Database, crash, launch, postgres } from '@perdure/core/internal';
import { VirtualClock } from '@perdure/testing';
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { type TestDatabase, databases } from '../support/databases.js';
import { freshDatabase } from '../support/engines.js';
import { FaultProxy } from './fault-proxy.js';

/** Time is virtual here, and one for all processes: an outage outlasts the lease without anybody waiting for it. */
const leaseMs = 15_000;
const { open } = databases.find(({ name }) => name === 'postgres')!;
let test: TestDatabase;
let proxy: FaultProxy;
let clock: VirtualClock;
let pending: number;

const begun = vi.fn();
const endless = workflow('endless', () =>
  step.run('wait', () => {
    begun();
    return new Promise<never>(() => {});
  }),
);

beforeEach(async () => {
  begun.mockClear();
  pending = 0;
  clock = new VirtualClock();
  test = await freshDatabase(open);
  proxy = await FaultProxy.start(test.url!);
  onTestFinished(async () => {
    clock.stop();
    await proxy.close();
  });
});

it('costs no process its lease, however long it is, and counts as no crash of a run', { timeout: 60_000 }, async () => {
  const processes = [await launchProcess(), await launchProcess(), await launchProcess()];
  const ids = processes.map(({ executorId }) => executorId);
  const runs = await Promise.all(
    processes.map((engine, no) => endless.with({ workflowId: `run-${no}`, engine }).start()),
  );
  await expect.poll(() => begun.mock.calls.length).toBe(3);
  for (const outageMs of [6_000, 10_000, 16_500, 40_000]) {
    proxy.impose({ kind: 'refuse' });
    proxy.reset();
    await advance(outageMs);
    proxy.pass();
    await advance(2 * leaseMs);
    expect(processes.map(({ executorId }) => executorId)).toEqual(ids);
  }
  expect(begun).toHaveBeenCalledTimes(3);
  const statuses = await Promise.all(runs.map((run) => run.status()));
  expect(statuses.map(({ attempt, crashes }) => [attempt, crashes])).toEqual(runs.map(() => [1, []]));
});

it('does not keep the living from taking over a process that died in it', { timeout: 60_000 }, async () => {
  const [dying, living] = [await launchProcess(), await launchProcess()];
  await endless.with({ workflowId: 'run', engine: dying }).start();
  await expect.poll(() => begun.mock.calls.length).toBe(1);
  proxy.impose({ kind: 'refuse' });
  proxy.reset();
  await advance(leaseMs);
  await dying[crash]();
  await advance(leaseMs);
  proxy.pass();
  await advance(1.5 * leaseMs);
  expect(await living.run('run').status()).toMatchObject({ attempt: 2, executorId: living.executorId });
});

async function launchProcess(): Promise<Perdure> {
  const database = postgres({ url: proxy.url });
  const options = { database: watched(database), schema: test.schema, workflows: [endless], lease: leaseMs, clock };
  const perdure = await launch({ ...options, logger: { debug() {}, info() {}, warn() {}, error() {} } });
  onTestFinished(async () => {
    await perdure[crash]();
    await database.close();
  });
  return perdure;
}

/** Lets time go by in small steps, with as much real time as the statements of each step take. */
async function advance(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 100) {
    clock.advance(100);
    for (let quiet = 0; quiet < 5; quiet = pending === 0 ? quiet + 1 : 0) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

function watched(database: Database): Database {
  return {
    ...passOn(database),
    async query(statement) {
      pending += 1;
      try {
        return await database.query(statement);
      } finally {
        pending -= 1;
      }
    },
  };
}
