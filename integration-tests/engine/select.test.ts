import { currentRun, getEvent, receive, select, send, setEvent, sleep, step, workflow } from '@perdure/core';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { databases } from '../support/databases.js';
import { freshDatabase, launchEngine, testEngine } from '../support/engines.js';

describe.each(databases)('select on $name', ({ open }) => {
  it('gives the first of messages, timers, children and events, and what it came to', async () => {
    const child = workflow('child', async () => await step.run('work', () => 'child is done'));
    const source = workflow('source', async () => {
      await setEvent('ready', 'event is set');
      await receive('end');
    });
    const first = workflow('first', async (expectedFirst: string) => {
      const run = await child.start();
      const never = () => receive<string>('never');
      const found = await select({
        message: expectedFirst === 'message' ? () => receive<string>('news') : never,
        timer: expectedFirst === 'timer' ? () => sleep('1h') : never,
        child: expectedFirst === 'child' ? () => run.result() : never,
        event: expectedFirst === 'event' ? () => getEvent<string>('source', 'ready') : never,
      });
      expectTypeOf(found.name).toEqualTypeOf<'message' | 'timer' | 'child' | 'event'>();
      return found;
    });
    const engine = await testEngine(await freshDatabase(open), { workflows: [child, source, first] });
    await source.with({ workflowId: 'source', engine: engine.perdure }).start();
    const bound = first.with({ engine: engine.perdure });
    const waits = await bound.start('message');
    await send(waits, 'news', 'message came', { engine: engine.perdure });
    expect(await waits.result()).toEqual({ name: 'message', value: 'message came' });
    expect(await bound('timer')).toEqual({ name: 'timer', value: undefined });
    expect(await bound('child')).toEqual({ name: 'child', value: 'child is done' });
    expect(await bound('event')).toEqual({ name: 'event', value: 'event is set' });
  });

  it('leaves the messages of a receive that lost to the next, at whatever checkpoint the process dies', async () => {
    const past = new Set<string>();
    const raced = workflow('raced', async () => {
      const first = await select({ a: () => receive('a'), late: () => sleep('1h') });
      await step.run('past', () => void past.add(currentRun()!.workflowId));
      return [first.name, await receive('a')];
    });
    const engine = await testEngine(await freshDatabase(open), { workflows: [raced] });
    // The timer is set, the timer is over, the step is recorded, the message is received.
    for (const checkpoints of [1, 2, 3, 4]) {
      const workflowId = `raced ${checkpoints}`;
      const crashed = engine.crashAfter(checkpoints);
      await raced.with({ workflowId, engine: engine.perdure }).start();
      if (checkpoints < 4) {
        await crashed;
        await engine.restart();
      }
      await expect.poll(() => past.has(workflowId)).toBe(true);
      await send(workflowId, 'a', 'the message', { engine: engine.perdure }).catch(() => {});
      if (checkpoints === 4) {
        await crashed;
        await engine.restart();
      }
      expect(await engine.perdure.run(workflowId).result()).toEqual(['late', 'the message']);
    }
  });

  it('aborts a step that lost, and records nothing of it', async () => {
    let wasAborted = false;
    const raced = workflow('aborting', async () => {
      const found = await select({
        slow: () =>
          step.run('slow', async () => {
            const { signal } = currentRun()!;
            await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
            wasAborted = true;
          }),
        quick: () => receive('quick'),
      });
      return [found.name, await step.run('after', () => 'after')];
    });
    const engine = await launchEngine(await freshDatabase(open), { workflows: [raced] });
    const run = await raced.with({ engine }).start();
    await send(run, 'quick', null, { engine });
    expect(await run.result()).toEqual(['quick', 'after']);
    await expect.poll(() => wasAborted).toBe(true);
  });

  it('rejects with what a branch throws first, without branches, and outside a workflow', async () => {
    const failing = workflow('failing', async () => {
      const codes: unknown[] = [];
      const failed = step.run.bind(step, 'fail', () => Promise.reject(new Error('no')));
      await select({ failed, late: () => sleep('1h') }).catch((error: Error) => codes.push(error.message));
      await select({}).catch((error: { code: string }) => codes.push(error.code));
      return codes;
    });
    const engine = await testEngine(await freshDatabase(open), { workflows: [failing] });
    expect(await failing.with({ engine: engine.perdure })()).toEqual(['no', 'PERDURE_INVALID_ARGUMENT']);
    await expect(select({ a: () => Promise.resolve(1) })).rejects.toMatchObject({ code: 'PERDURE_INVALID_ARGUMENT' });
  });
});
