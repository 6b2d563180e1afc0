import { getEvent, receive, send, setEvent, step, watch, workflow } from '@perdure/core';
import { describe, expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { freshDatabase, launchEngine, testEngine } from '../support/engines.js';

describe.each(databases)('an event on $name', ({ open }) => {
  const define = () =>
    workflow('progress', async () => {
      await setEvent('progress', { done: 0 });
      await receive('go');
      await setEvent('progress', { done: 1 });
      await receive('go');
      await setEvent('progress', { done: 2 });
      return 'over';
    });

  it('is told to who asks while the run executes, before it is set and after it has ended: the latest', async () => {
    const progress = define();
    const engine = await launchEngine(await freshDatabase(open), { workflows: [progress] });
    const run = await progress.with({ engine }).start();
    expect(await getEvent(run, 'progress', { engine })).toEqual({ done: 0 });
    for (let n = 0; n < 2; n += 1) await send(run, 'go', null, { engine });
    expect(await run.result()).toBe('over');
    expect(await getEvent(run.workflowId, 'progress', { engine })).toEqual({ done: 2 });
  });

  it('is watched from another process, each change in order, until the run ends', async () => {
    const progress = define();
    const test = await freshDatabase(open);
    const engine = await launchEngine(test, { workflows: [progress] });
    const other = await launchEngine({ ...test, database: await test.reopen() }, { workflows: [] });
    const run = await progress.with({ engine }).start();
    const seen: unknown[] = [];
    for await (const value of watch<{ done: number }>(run, 'progress', { engine: other })) {
      seen.push(value);
      if (value.done < 2) await send(run, 'go', null, { engine: other });
    }
    expect(seen).toEqual([{ done: 0 }, { done: 1 }, { done: 2 }]);
  });

  it('stops being watched when nobody wants it any more', async () => {
    const progress = define();
    const engine = await launchEngine(await freshDatabase(open), { workflows: [progress] });
    const run = await progress.with({ engine }).start();
    const controller = new AbortController();
    const seen: unknown[] = [];
    for await (const value of watch(run, 'progress', { signal: controller.signal, engine })) {
      seen.push(value);
      controller.abort();
    }
    expect(seen).toEqual([{ done: 0 }]);
    for await (const value of watch(run, 'progress', { engine })) {
      seen.push(value);
      break;
    }
    expect(seen).toEqual([{ done: 0 }, { done: 0 }]);
  });

  it('is set once, wherever the process dies, and what one workflow read of another stays', async () => {
    const source = workflow('source', async () => {
      for (const n of [1, 2, 3]) {
        await setEvent('value', n);
        await step.run('work', () => n);
      }
      await receive('end');
    });
    const reader = workflow('reader', async () => {
      const first = await getEvent('source', 'value');
      await send('source', 'end', null);
      return [first, await step.run('after', () => 'after')];
    });
    const engine = await testEngine(await freshDatabase(open), { workflows: [source, reader] });
    const crashed = engine.crashAfter(4);
    await source.with({ workflowId: 'source', engine: engine.perdure }).start();
    await crashed;
    await engine.restart();
    const crashedAgain = engine.crashAfter(5);
    const bound = reader.with({ workflowId: 'reader', engine: engine.perdure });
    await bound.start().catch(() => {});
    await crashedAgain;
    await engine.restart();
    await reader.with({ workflowId: 'reader', engine: engine.perdure }).start();
    const [first, after] = (await engine.perdure.run('reader').result()) as [number, string];
    expect([1, 2, 3]).toContain(first);
    expect(after).toBe('after');
    await engine.perdure.run('source').result();
    expect(await getEvent('source', 'value', { engine: engine.perdure })).toBe(3);
  });

  it('that is not set in time, or never was, or of no run, is an error', async () => {
    const silent = workflow('silent', async () => await receive('end'));
    const engine = await launchEngine(await freshDatabase(open), { workflows: [silent] });
    const run = await silent.with({ engine }).start();
    const notSet = { code: 'PERDURE_EVENT_NOT_SET' };
    await expect(getEvent(run, 'a', { timeout: 20, engine })).rejects.toMatchObject({
      ...notSet,
      data: { reason: 'timeout' },
    });
    const asking = getEvent(run, 'a', { engine });
    await send(run, 'end', null, { engine });
    await expect(asking).rejects.toMatchObject({ ...notSet, data: { reason: 'ended' } });
    const unknown = { code: 'PERDURE_RUN_NOT_FOUND' };
    await expect(getEvent('nobody', 'a', { engine })).rejects.toMatchObject(unknown);
    await expect(watch('nobody', 'a', { engine }).next()).rejects.toMatchObject(unknown);
    const invalid = { code: 'PERDURE_INVALID_ARGUMENT' };
    await expect(setEvent('a', 1)).rejects.toMatchObject(invalid);
    expect(() => getEvent(run, '', { engine })).toThrow(expect.objectContaining(invalid));
  });
});
