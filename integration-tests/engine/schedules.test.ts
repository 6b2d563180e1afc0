import { type Perdure, schedule, type Slot, step, workflow } from '@perdure/core';
import { describe, expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { freshDatabase, launchEngine, testEngine } from '../support/engines.js';
import { noting, runsOf } from '../support/slots.js';

const minute = 60_000;

describe.each(databases)('a schedule on $name', ({ open }) => {
  it('fires one run for each slot, named by it, with the slot as its argument', async () => {
    const { seen, note } = noting('every ten');
    schedule('every ten', { every: '10m' }, note);
    const test = await freshDatabase(open);
    const engine = await testEngine(test, { workflows: [note] });
    for (let n = 1; n <= 3; n += 1) {
      await engine.perdure.schedules.list();
      engine.clock.advance(10 * minute);
      await expect.poll(() => seen.length).toBe(n);
    }
    expect(seen).toEqual(['00:10:00', '00:20:00', '00:30:00']);
    const [first] = await runsOf(test, 'every ten');
    expect(first).toBe('every ten@2030-01-01T00:10:00.000Z');
    expect(await engine.perdure.run(first!).result()).toEqual({
      schedule: 'every ten',
      at: new Date('2030-01-01T00:10:00Z'),
    });
    expect(await engine.perdure.schedules.get('every ten')).toMatchObject({
      origin: 'code',
      workflow: 'every ten',
      timing: { every: 10 * minute },
      fired: 3,
      missed: 0,
      lastWorkflowId: 'every ten@2030-01-01T00:30:00.000Z',
    });
  });

  it('fires once in several processes, and goes on when one dies', async () => {
    const { seen, note } = noting('shared');
    schedule('shared', { every: '1s' }, note);
    const test = await freshDatabase(open);
    const engines: Perdure[] = [];
    for (let n = 0; n < 3; n += 1) {
      engines.push(await launchEngine({ ...test, database: await test.reopen() }, { workflows: [note] }));
    }
    await expect.poll(() => seen.length).toBeGreaterThanOrEqual(3);
    await engines[0]!.shutdown();
    await expect.poll(() => seen.length).toBeGreaterThanOrEqual(6);
    await engines[1]!.schedules.pause('shared');
    const runs = await runsOf(test, 'shared');
    await Promise.all(runs.map((id) => engines[1]!.run(id).result()));
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toHaveLength(runs.length);
  });

  it('catches up with what nobody was there for, within its window, and counts the rest as missed', async () => {
    const { seen, note } = noting('late');
    schedule('late', { every: '1m' }, note, { catchUp: '5m' });
    const engine = await testEngine(await freshDatabase(open), { workflows: [note] });
    await engine.perdure.schedules.list();
    await engine.crash();
    engine.clock.advance(60 * minute);
    await engine.restart();
    await expect.poll(() => seen.length).toBeGreaterThanOrEqual(5);
    await expect
      .poll(async () => (await engine.perdure.schedules.get('late')).nextSlotAt)
      .toBeGreaterThan(engine.clock.now());
    const { fired, missed } = await engine.perdure.schedules.get('late');
    expect(seen.toSorted()).toHaveLength(fired);
    expect(fired).toBeLessThanOrEqual(6);
    expect(fired + missed).toBe(60);
  });

  it.each(['skip', 'queue', 'cancel-previous'] as const)(
    'does what overlap "%s" says while the run before has not ended',
    async (overlap) => {
      let letGo = (): void => {};
      const gate = new Promise<void>((resolve) => (letGo = resolve));
      const { seen, note } = noting(overlap, async () => await step.run('wait', () => gate));
      schedule(overlap, { every: '10m' }, note, { overlap });
      const test = await freshDatabase(open);
      const { perdure, clock } = await testEngine(test, { workflows: [note] });
      await perdure.schedules.list();
      clock.advance(10 * minute);
      await expect.poll(() => seen.length).toBe(1);
      clock.advance(10 * minute);
      if (overlap === 'skip') {
        await expect.poll(async () => (await perdure.schedules.get(overlap)).skipped).toBe(1);
        expect(await runsOf(test, overlap)).toHaveLength(1);
      } else await expect.poll(async () => (await runsOf(test, overlap)).length).toBe(2);
      await perdure.schedules.pause(overlap);
      const [first, second] = (await runsOf(test, overlap)).map((id) => perdure.run(id));
      if (overlap === 'cancel-previous') {
        await expect(first!.result()).rejects.toMatchObject({ code: 'PERDURE_CANCELLED' });
      }
      if (overlap === 'queue') expect((await second!.status()).status).toBe('enqueued');
      letGo();
      if (overlap !== 'cancel-previous') await first!.result();
      await second?.result();
    },
  );

  it('is paused and resumed, without what lay in between, triggered and backfilled', async () => {
    const { seen, note } = noting('handled');
    schedule('handled', { every: '10m' }, note);
    const test = await freshDatabase(open);
    const engine = await testEngine(test, { workflows: [note] });
    const { schedules } = engine.perdure;
    await schedules.pause('handled');
    engine.clock.advance(60 * minute);
    await schedules.resume('handled');
    expect((await schedules.get('handled')).nextSlotAt).toBe(Date.parse('2030-01-01T01:10:00Z'));
    expect(seen).toEqual([]);
    const triggered = await schedules.trigger('handled');
    await engine.perdure.run(triggered).result();
    const [from, to] = ['2030-01-01T00:20:00Z', '2030-01-01T00:50:00Z'].map((at) => new Date(at)) as [Date, Date];
    const filled = await schedules.backfill('handled', from, to);
    expect(await schedules.backfill('handled', from, to)).toEqual(filled);
    await Promise.all(filled.map((id) => engine.perdure.run(id).result()));
    expect(seen.slice(1).toSorted()).toEqual(['00:20:00', '00:30:00', '00:40:00']);
  });

  it('is made at run time, with an input, changed and deleted', async () => {
    const seen: unknown[] = [];
    const digest = workflow('digest', async ({ input }: Slot) => void (await step.run('note', () => seen.push(input))));
    const test = await freshDatabase(open);
    const engine = await testEngine(test, { workflows: [digest] });
    const { schedules } = engine.perdure;
    await schedules.set('for ada', { timing: { every: '1h' }, workflow: digest, input: { customer: 'ada' } });
    await engine.perdure.schedules.list();
    engine.clock.advance(60 * minute);
    await expect.poll(() => seen).toEqual([{ customer: 'ada' }]);
    await schedules.set('for ada', { timing: { every: '1h' }, workflow: digest, input: { customer: 'Ada' } });
    expect(await schedules.list()).toMatchObject([{ name: 'for ada', origin: 'runtime', fired: 1 }]);
    await schedules.delete('for ada');
    await expect(schedules.delete('for ada')).rejects.toMatchObject({ code: 'PERDURE_SCHEDULE_NOT_FOUND' });
    expect(await schedules.list()).toEqual([]);
    const invalid = { code: 'PERDURE_INVALID_ARGUMENT' };
    await expect(schedules.set('x'.repeat(201), { timing: { every: '1h' }, workflow: digest })).rejects.toMatchObject(
      invalid,
    );
    await expect(schedules.set('bad', { timing: { cron: '* *' }, workflow: digest })).rejects.toMatchObject(invalid);
  });

  it('that cannot be fired holds up no other', async () => {
    const { seen, note } = noting('beside');
    schedule('beside', { every: '10m' }, note);
    const test = await freshDatabase(open);
    const engine = await testEngine(test, { workflows: [note] });
    const { schedules } = engine.perdure;
    await schedules.set('broken', { timing: { every: '10m' }, workflow: note, input: 'fine' });
    await test.administer(`update "${test.schema}".schedules set input = '{"not":' where name = 'broken'`);
    await schedules.list();
    for (const slots of [1, 2]) {
      engine.clock.advance(10 * minute);
      await expect.poll(() => seen.length).toBe(slots);
    }
    expect(await schedules.get('broken')).toMatchObject({ fired: 0 });
  });

  it('keeps its place when code declares it again, and gets another one when its timing changes', async () => {
    const { note } = noting('declared');
    schedule('declared', { every: '10m' }, note);
    const engine = await testEngine(await freshDatabase(open), { workflows: [note] });
    await engine.perdure.schedules.list();
    const before = (await engine.perdure.schedules.get('declared')).nextSlotAt;
    schedule('declared', { every: '10m' }, note, { overlap: 'skip' });
    expect((await engine.perdure.schedules.get('declared')).nextSlotAt).toBe(before);
    schedule('declared', { every: '7m' }, note);
    expect((await engine.perdure.schedules.get('declared')).nextSlotAt).not.toBe(before);
    await expect(
      engine.perdure.schedules.set('declared', { timing: { every: '1h' }, workflow: note }),
    ).rejects.toMatchObject({ code: 'PERDURE_INVALID_ARGUMENT' });
  });
});
