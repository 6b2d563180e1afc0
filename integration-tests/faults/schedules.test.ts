import { Perdure, type Slot, step, workflow } from '@perdure/core';
import { postgres } from '@perdure/core/internal';
import { expect, it, onTestFinished } from 'vitest';
import { eventually } from '../recovery/eventually.js';
import { databases, type TestDatabase } from '../support/databases.js';
import { freshDatabase } from '../support/engines.js';
import { laneOptions } from '../support/lanes.js';
import { runsOf } from '../support/slots.js';
import { FaultProxy } from './fault-proxy.js';

/** `OUTAGE_SECONDS=30` for the long form. */
const outageMs = 1_000 * Number(process.env['OUTAGE_SECONDS'] ?? 5);
const { open } = databases.find(({ name }) => name === 'postgres')!;

it(
  'each slot of an outage fires once in two processes when the database is back, and so does each one after it',
  { timeout: outageMs + 60_000 },
  async () => {
    const test = await freshDatabase(open);
    const proxy = await FaultProxy.start(test.url!);
    onTestFinished(() => proxy.close());
    const seen: number[] = [];
    const tick = workflow('ticking', async ({ at }: Slot) => {
      await step.run('note', () => void seen.push(at.getTime()));
    });
    const launchProcess = async (): Promise<Perdure> => {
      const database = postgres({ url: proxy.url });
      const logger = { debug() {}, info() {}, warn() {}, error() {} };
      const perdure = await Perdure.launch({
        ...laneOptions,
        database,
        schema: test.schema,
        workflows: [tick],
        logger,
      });
      onTestFinished(async () => {
        await perdure.shutdown({ drainMs: 0 });
        await database.close();
      });
      return perdure;
    };
    const [first, second] = [await launchProcess(), await launchProcess()];
    await first.schedules.set('seconds', { timing: { every: '1s' }, workflow: tick });
    await eventually('two slots have fired', () => seen.length >= 2);

    proxy.impose({ kind: 'refuse' });
    proxy.reset();
    const goneAt = await serverTime(test);
    await eventually('the outage has lasted', async () => (await serverTime(test)) > goneAt + outageMs, 2 * outageMs);
    const firedBefore = await runsOf(test, 'ticking');
    expect(Date.parse(firedBefore.at(-1)!.split('@')[1]!)).toBeLessThanOrEqual(goneAt);
    proxy.pass();
    const backAt = await serverTime(test);
    await eventually('two slots after the outage have fired', () => Math.max(...seen) > backAt + 2_000);
    await second.schedules.pause('seconds');

    const fired = (await runsOf(test, 'ticking')).map((id) => Date.parse(id.split('@')[1]!));
    expect(fired).toEqual(fired.map((_, no) => fired[0]! + no * 1_000));
    expect(fired.filter((at) => at > goneAt && at <= backAt).length).toBeGreaterThanOrEqual(outageMs / 1_000);
    await Promise.all((await runsOf(test, 'ticking')).map((id) => second.run(id).result()));
    expect(seen.toSorted((a, b) => a - b)).toEqual(fired);
    expect(await first.schedules.get('seconds')).toMatchObject({ fired: fired.length, missed: 0, skipped: 0 });
  },
);

/** By the server's clock, past the proxy. */
async function serverTime({ database }: TestDatabase): Promise<number> {
  const text = 'select extract(epoch from clock_timestamp())::float8 * 1000 as now';
  return (await database.query<{ now: number }>({ name: 'server time', text, values: [] }))[0]!.now;
}
