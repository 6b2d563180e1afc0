import { getEvent, queue, readStream, setEvent, step, stream, watch, workflow } from '@perdure/core';
import { describe, expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { freshDatabase, launchEngine, testEngine } from '../support/engines.js';
import { trimmed, upperCase } from '../support/schemas.js';

const codeOf = (error: { code: string }) => error.code;
const misfit = 'PERDURE_INVALID_MESSAGE';

async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const value of values) found.push(value);
  return found;
}

describe.each(databases)('a schema on $name', ({ open }) => {
  it('checks and changes what is appended to a stream, all of one call or nothing', async () => {
    const writing = workflow('writing', async () => {
      const lines = stream('lines', { schema: trimmed });
      await lines.append(' one ');
      const refused = [await lines.append('two', 2).catch(codeOf)];
      await step.run('more', async () => {
        await lines.append(' three ');
        refused.push(await lines.append(4).catch(codeOf));
      });
      await lines.close();
      return refused;
    });
    const engine = await launchEngine(await freshDatabase(open), { workflows: [writing] });
    const run = await writing.with({ engine }).start();
    expect(await run.result()).toEqual([misfit, misfit]);
    expect(await all(readStream(run, 'lines', { engine }))).toMatchObject([{ value: 'one' }, { value: 'three' }]);
  });

  it('checks and changes what is read from a stream, and ends the reading where it does not fit', async () => {
    const writing = workflow('writing', async () => await stream('lines').append('one', 'two', 3, 'four'));
    const engine = await launchEngine(await freshDatabase(open), { workflows: [writing] });
    const run = await writing.with({ engine }).start();
    const reading = readStream(run, 'lines', { schema: upperCase, engine });
    expect(await reading.next()).toMatchObject({ value: { offset: 0, value: 'ONE' } });
    expect(await reading.next()).toMatchObject({ value: { offset: 1, value: 'TWO' } });
    await expect(reading.next()).rejects.toMatchObject({ code: misfit });
    expect(await all(readStream(run, 'lines', { schema: upperCase, from: 3, engine }))).toMatchObject([
      { value: 'FOUR' },
    ]);
  });

  it('checks and changes what an event is set to, and what is read of it', async () => {
    const setting = workflow('setting', async () => {
      await setEvent('state', ' begun ', { schema: trimmed });
      const refused = await setEvent('state', 2, { schema: trimmed }).catch(codeOf);
      await setEvent('number', 3);
      return refused;
    });
    const engine = await launchEngine(await freshDatabase(open), { workflows: [setting] });
    const run = await setting.with({ engine }).start();
    expect(await run.result()).toBe(misfit);
    expect(await getEvent(run, 'state', { engine })).toBe('begun');
    expect(await getEvent(run, 'state', { schema: upperCase, engine })).toBe('BEGUN');
    expect(await all(watch(run, 'state', { schema: upperCase, engine }))).toEqual(['BEGUN']);
    await expect(getEvent(run, 'number', { schema: upperCase, engine })).rejects.toMatchObject({ code: misfit });
    await expect(all(watch(run, 'number', { schema: upperCase, engine }))).rejects.toMatchObject({ code: misfit });
  });

  it('has its say once for an event that a workflow reads, whatever crashes', async () => {
    const setting = workflow('setting', async () => {
      await setEvent('state', 'begun');
      await setEvent('number', 3);
    });
    const reading = workflow('reading', async () => {
      const state = await getEvent('setting', 'state', { schema: upperCase });
      const number = await getEvent('setting', 'number', { schema: upperCase }).catch(codeOf);
      return [state, number, await step.run('after', () => 'after')];
    });
    const engine = await testEngine(await freshDatabase(open), { workflows: [setting, reading] });
    await setting.with({ workflowId: 'setting', engine: engine.perdure })();
    const crashed = engine.crashAfter(3);
    await reading
      .with({ workflowId: 'reading', engine: engine.perdure })
      .start()
      .catch(() => {});
    await crashed;
    await engine.restart();
    expect(await engine.perdure.run('reading').result()).toEqual(['BEGUN', misfit, 'after']);
  });

  it('of a workflow checks and changes what is enqueued, before it waits', async () => {
    const shout = workflow('shout', async (text: unknown) => text, { input: upperCase });
    const shouts = queue('shouts');
    const engine = await launchEngine(await freshDatabase(open), { workflows: [shout] });
    const bound = shouts.with({ engine });
    await expect(bound.enqueue(shout, 5)).rejects.toMatchObject({ code: 'PERDURE_INVALID_INPUT' });
    const run = await bound.enqueue(shout, 'hear');
    expect(await run.result()).toBe('HEAR');
  });

  it('that answers later is refused where the order counts', async () => {
    const writing = workflow('writing', async () => [
      await stream('lines', { schema: upperCase }).append('one').catch(codeOf),
      await setEvent('state', 'begun', { schema: upperCase }).catch(codeOf),
    ]);
    const engine = await launchEngine(await freshDatabase(open), { workflows: [writing] });
    const invalid = 'PERDURE_INVALID_ARGUMENT';
    expect(await writing.with({ engine })()).toEqual([invalid, invalid]);
  });
});
