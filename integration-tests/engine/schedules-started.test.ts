import { queue, type Slot, workflow } from '@perdure/core';
import type { Database, Row, Statement } from '@perdure/core/internal';
import { describe, expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { connectClient, freshDatabase, launchEngine, testEngine } from '../support/engines.js';
import { pollIfToldNothing as poll } from '../support/lanes.js';
import { passOn } from '../support/pass-on.js';
import { noting } from '../support/slots.js';

const minute = 60_000;
const day = (time: string): Date => new Date(`2030-01-01T${time}:00Z`);

describe.each(databases)('what a schedule starts on $name', ({ name, open }) => {
  it('is not started again by a backfill, also if its input or its workflow has changed since', async () => {
    const [{ seen, note }, other] = [noting('filled'), noting('filled otherwise')];
    const { perdure, clock } = await testEngine(await freshDatabase(open), { workflows: [note, other.note] });
    const { schedules } = perdure;
    const timing = { every: '10m' } as const;
    await schedules.set('filled', { timing, workflow: note, input: 1 });
    clock.advance(10 * minute);
    await expect.poll(() => seen).toEqual(['00:10:00']);
    await schedules.set('filled', { timing, workflow: note, input: 2 });
    await schedules.pause('filled');
    clock.advance(30 * minute);
    const filled = await schedules.backfill('filled', day('00:10'), day('00:30'));
    expect(filled).toEqual(['filled@2030-01-01T00:10:00.000Z', 'filled@2030-01-01T00:20:00.000Z']);
    const results = await Promise.all(filled.map((id) => perdure.run(id).result()));
    expect(results).toMatchObject([{ input: 1 }, { input: 2 }]);
    await schedules.set('filled', { timing, workflow: other.note });
    expect(await schedules.backfill('filled', day('00:10'), day('00:40'))).toHaveLength(3);
    await perdure.run('filled@2030-01-01T00:30:00.000Z').result();
    expect(seen).toEqual(['00:10:00', '00:20:00']);
    expect(other.seen).toEqual(['00:30:00']);
  });

  it('is no slot of the future, whatever stretch of time is backfilled', async () => {
    const { note } = noting('future');
    const { perdure, clock } = await testEngine(await freshDatabase(open), { workflows: [note] });
    await perdure.schedules.set('future', { timing: { every: '10m' }, workflow: note });
    await perdure.schedules.pause('future');
    clock.advance(15 * minute);
    const filled = await perdure.schedules.backfill('future', day('00:00'), day('23:00'));
    expect(filled).toEqual(['future@2030-01-01T00:00:00.000Z', 'future@2030-01-01T00:10:00.000Z']);
    await Promise.all(filled.map((id) => perdure.run(id).result()));
  });

  it('lets the process do other things while it finds out the slots of a long stretch of time', async () => {
    const { note } = noting('every second');
    const test = await freshDatabase(open);
    let [turns, isCounting] = [0, false];
    const count = (): void => {
      turns += 1;
      if (isCounting) setImmediate(count);
    };
    const database: Database = {
      ...passOn(test.database),
      async query<R extends Row>(statement: Statement) {
        const rows = await test.database.query<R>(statement);
        if (statement.name.endsWith('schedules_now')) {
          isCounting = true;
          setImmediate(count);
        }
        return rows;
      },
    };
    const { schedules } = await launchEngine({ ...test, database }, { workflows: [note] });
    const [from, until] = [new Date('2026-01-01'), new Date('2026-01-02')];
    await schedules.set('seconds', { timing: { cron: '* * * * * *' }, from, until, workflow: note });
    await expect(schedules.backfill('seconds', from, until)).rejects.toThrow('more than 10000 slots');
    isCounting = false;
    expect(turns).toBeGreaterThan(40);
  });

  it('waits in the queue that its schedule names, however it comes to start', async () => {
    const { seen, note } = noting('queued');
    const line = queue('schedules only', { concurrency: 1 });
    const { perdure, clock } = await testEngine(await freshDatabase(open), { workflows: [note] });
    const { schedules, queues } = perdure;
    const start = { queue: line, key: 'a', priority: 3, timeout: '1h' } as const;
    await schedules.set('queued', { timing: { every: '10m' }, workflow: note, start });
    await queues.pause('schedules only');
    clock.advance(10 * minute);
    await expect.poll(async () => (await queues.get('schedules only')).waiting).toBe(1);
    await schedules.pause('queued');
    await schedules.trigger('queued');
    await schedules.backfill('queued', day('00:00'), day('00:10'));
    expect(await queues.get('schedules only')).toMatchObject({ waiting: 3, running: 0 });
    expect(seen).toEqual([]);
    await queues.resume('schedules only');
    await expect.poll(() => seen.length).toBe(3);
  });

  it('waits until the queue that its schedule names is there', async () => {
    const { seen, note } = noting('early');
    const late = `declared late for ${name}`;
    const { perdure, clock } = await testEngine(await freshDatabase(open), { workflows: [note] });
    await perdure.schedules.set('early', {
      timing: { every: '10m' },
      workflow: note,
      start: { queue: late },
    });
    await perdure.schedules.set('beside', { timing: { every: '10m' }, workflow: note });
    clock.advance(10 * minute);
    await expect.poll(() => seen.length).toBe(1);
    expect(await perdure.schedules.get('early')).toMatchObject({ fired: 0 });
    queue(late, {});
    clock.advance(minute); // a schedule that could not fire is tried again within that
    await expect.poll(async () => (await perdure.schedules.get('early')).fired).toBe(1);
    await perdure.run('early@2030-01-01T00:10:00.000Z').result();
  });

  it('is left to a process that has the workflow, if a client without any code triggers or backfills it', async () => {
    const test = await freshDatabase(open);
    const report = workflow('report', async ({ schedule, input }: Slot) => `${schedule}: ${String(input)}`);
    await launchEngine(test, { workflows: [report], poll });
    const client = await connectClient(test, { database: await test.reopen() });
    const from = new Date(Date.now() - 3_600_000);
    await client.schedules.set('named', { timing: { every: '30m' }, workflow: client.workflow('report'), input: 7 });
    await client.schedules.pause('named');
    const ids = [
      await client.schedules.trigger('named'),
      ...(await client.schedules.backfill('named', from, new Date())),
    ];
    expect(ids.length).toBeGreaterThan(2);
    const runs = ids.map((id) => client.run(id));
    expect(await Promise.all(runs.map((run) => run.result()))).toEqual(ids.map(() => 'named: 7'));
    expect(await runs[0]!.status()).toMatchObject({ name: 'report', version: report.definition.version });
  });
});
