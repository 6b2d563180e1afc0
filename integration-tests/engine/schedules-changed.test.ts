import { type Slot, step, workflow } from '@perdure/core';
import { describe, expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { freshDatabase, launchEngine, testEngine } from '../support/engines.js';
import { noting } from '../support/slots.js';

const minute = 60_000;

describe.each(databases)('a schedule that is changed on $name', ({ open }) => {
  it('is made, changed and deleted by the steps of a workflow', async () => {
    const { seen, note } = noting('administered');
    const test = await freshDatabase(open);
    const administering = workflow('administering', async () => {
      const { schedules } = engine.perdure;
      const timing = { timing: { every: '10m' }, workflow: note } as const;
      await step.run('make', () => schedules.set('administered', timing));
      await step.run('pause', () => schedules.pause('administered'));
      await step.run('resume', () => schedules.resume('administered'));
      const triggered = await step.run('trigger', () => schedules.trigger('administered'));
      await step.run('delete', () => schedules.delete('administered'));
      return triggered;
    });
    const engine = await testEngine(test, { workflows: [note, administering] });
    const triggered = await administering.with({ engine: engine.perdure })();
    await engine.perdure.run(triggered).result();
    engine.clock.advance(60 * minute);
    expect(await engine.perdure.schedules.list()).toEqual([]);
    expect(seen).toHaveLength(1);
  });

  it('is one schedule when many processes make it at the same moment, and fires once for each slot', async () => {
    const { seen, note } = noting('made together');
    const test = await freshDatabase(open);
    const engines = await Promise.all(
      [test, { ...test, database: await test.reopen() }].map((one) => launchEngine(one, { workflows: [note] })),
    );
    const set = (engine: (typeof engines)[number]): Promise<void> =>
      engine.schedules.set('together', { timing: { every: '100ms' }, workflow: note });
    await Promise.all([...engines, ...engines, ...engines].map(set));
    await expect.poll(() => seen.length).toBeGreaterThan(5);
    await engines[0]!.schedules.pause('together');
    const { fired } = await engines[1]!.schedules.get('together');
    await expect.poll(() => seen.length).toBe(fired);
    expect(await engines[0]!.schedules.list()).toHaveLength(1);
  });

  it('fills the slots of a stretch of time as the clocks of its zone had it', async () => {
    const { note } = noting('zoned');
    const { perdure, clock } = await testEngine(await freshDatabase(open), { workflows: [note] });
    const timing = { cron: '30 9 * * *', timeZone: 'Asia/Kolkata' }; // 04:00 in UTC
    await perdure.schedules.set('zoned', { timing, workflow: note });
    await perdure.schedules.pause('zoned');
    clock.advance(3 * 24 * 60 * minute);
    const filled = await perdure.schedules.backfill('zoned', new Date('2030-01-01'), new Date('2030-01-03'));
    expect(filled).toEqual(['zoned@2030-01-01T04:00:00.000Z', 'zoned@2030-01-02T04:00:00.000Z']);
  });

  it('holds up no shutdown, however far away its next slot is', async () => {
    const never = workflow('far away', async (_: Slot) => {});
    const engine = await launchEngine(await freshDatabase(open), { workflows: [never] });
    await engine.schedules.set('far away', { timing: { every: '300d' }, workflow: never });
    expect((await engine.schedules.get('far away')).nextSlotAt).toBeGreaterThan(Date.now());
    await engine.shutdown();
  });
});
