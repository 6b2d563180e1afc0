import { receive, schedule, type Slot, workflow } from '@perdure/core';
import type { Database, Row, Statement } from '@perdure/core/internal';
import { describe, expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { freshDatabase, testEngine } from '../support/engines.js';
import { losingAReply } from '../support/losing-a-reply.js';
import { passOn } from '../support/pass-on.js';
import { noting, runsOf } from '../support/slots.js';

const minute = 60_000;

describe.each(databases)('a schedule in trouble on $name', ({ open }) => {
  it('is deleted once, though the reply is lost that says so', async () => {
    const { note } = noting('deleted');
    const test = await freshDatabase(open);
    const { database, sendAgain } = losingAReply(test.database, /schedules_remove/);
    sendAgain();
    const { perdure } = await testEngine({ ...test, database }, { workflows: [note] });
    await perdure.schedules.set('deleted', { timing: { every: '1d' }, workflow: note });
    await perdure.schedules.delete('deleted');
    await expect(perdure.schedules.delete('deleted')).rejects.toMatchObject({ code: 'PERDURE_SCHEDULE_NOT_FOUND' });
  });

  it('that cannot be fired holds up no other, even if there are very many of them', async () => {
    const { seen, note } = noting('beside');
    const test = await freshDatabase(open);
    const { perdure, clock } = await testEngine(test, { workflows: [note] });
    await perdure.schedules.set('broken', { timing: { every: '10m' }, workflow: note, input: 'fine' });
    await perdure.schedules.set('sound', { timing: { every: '10m' }, workflow: note });
    await test.administer(`
      update "${test.schema}".schedules set input = '{"not":' where name = 'broken';
      insert into "${test.schema}".schedules (name, origin, workflow, settings, input, next_slot_at, next_fire_at)
      select name || ' ' || no, origin, workflow, settings, input, next_slot_at, next_fire_at - interval '1 second'
      from "${test.schema}".schedules, generate_series(1, 250) no where name = 'broken'`);
    for (const slots of [1, 2]) {
      clock.advance(10 * minute);
      await expect.poll(() => seen.length).toBe(slots);
    }
    expect(await perdure.schedules.get('broken')).toMatchObject({ fired: 0 });
  });

  it('fires as soon as it is mended', async () => {
    const { seen, note } = noting('mended');
    const test = await freshDatabase(open);
    const { perdure, clock } = await testEngine(test, { workflows: [note] });
    const timing = { timing: { every: '10m' }, workflow: note } as const;
    await perdure.schedules.set('mended', { ...timing, input: 'fine' });
    await perdure.schedules.set('other', timing);
    await test.administer(`update "${test.schema}".schedules set input = '{"not":' where name = 'mended'`);
    clock.advance(10 * minute);
    await expect.poll(() => seen.length).toBe(1);
    await perdure.schedules.set('mended', { ...timing, input: 'better' });
    await expect.poll(() => seen.length).toBe(2);
    expect((await perdure.run('mended@2030-01-01T00:10:00.000Z').result()) as Slot).toMatchObject({ input: 'better' });
  });

  it('has cancelled the run before, also if it never hears that the next one is committed', async () => {
    const endless = workflow('endless', async (_: Slot) => await receive('never'));
    schedule('cancelling', { every: '10h' }, endless, { overlap: 'cancel-previous' });
    const test = await freshDatabase(open);
    let isReplyLost = false;
    const database: Database = {
      ...passOn(test.database),
      async transaction(work) {
        const result = await test.database.transaction(work);
        if (!isReplyLost || result !== true) return result;
        isReplyLost = false;
        throw Object.assign(new Error('Connection terminated unexpectedly'), { code: '57P01' });
      },
    };
    const { perdure, clock } = await testEngine({ ...test, database }, { workflows: [endless] });
    const fired = async (): Promise<number> => (await perdure.schedules.get('cancelling')).fired;
    await perdure.schedules.list();
    clock.advance(600 * minute);
    await expect.poll(fired).toBe(1);
    isReplyLost = true;
    clock.advance(600 * minute);
    await expect.poll(fired).toBe(2);
    await perdure.schedules.pause('cancelling');
    expect(isReplyLost).toBe(false);
    const [first, second] = (await runsOf(test, 'endless')).map((id) => perdure.run(id));
    await expect.poll(async () => (await first!.status()).status).toBe('cancelled');
    expect((await second!.status()).finishedAt).toBeNull();
  });

  it('that is changed at the moment when it fires, fires as what it was changed to', async () => {
    const { note } = noting('changing');
    const test = await freshDatabase(open);
    let change: (() => Promise<void>) | null = null;
    const database: Database = {
      ...passOn(test.database),
      async query<R extends Row>(statement: Statement) {
        const rows = await test.database.query<R>(statement);
        if (change !== null && statement.name.includes('schedules_upcoming')) {
          const changing = change();
          change = null;
          await changing;
        }
        return rows;
      },
    };
    const { perdure, clock } = await testEngine({ ...test, database }, { workflows: [note] });
    const timing = { timing: { every: '10m' }, workflow: note } as const;
    await perdure.schedules.set('changing', { ...timing, input: 'before' });
    change = () => perdure.schedules.set('changing', { ...timing, input: 'after' });
    clock.advance(10 * minute);
    await expect.poll(async () => (await perdure.schedules.get('changing')).fired).toBe(1);
    expect(await perdure.run('changing@2030-01-01T00:10:00.000Z').result()).toMatchObject({ input: 'after' });
  });
});
