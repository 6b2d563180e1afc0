import { queue, receive, step, workflow } from '@perdure/core';
import { describe, expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { freshDatabase, launchEngine, testEngine } from '../support/engines.js';
import { pollIfToldNothing as poll } from '../support/lanes.js';

describe.each(databases)('a queue beside others on $name', ({ open }) => {
  it('holds up no other when it is full or paused', async () => {
    const [full, paused, free] = [queue('full', { concurrency: 1 }), queue('paused'), queue('free')];
    const wait = workflow('wait', async () => await receive<string>('go'));
    const engine = await launchEngine(await freshDatabase(open), { workflows: [wait] });
    const holder = await full.with({ engine }).enqueue(wait);
    const behind = await full.with({ engine }).enqueue(wait);
    await engine.queues.list();
    await engine.queues.pause('paused');
    const held = await paused.with({ engine }).enqueue(wait);
    const run = await free.with({ engine }).enqueue(wait);
    await engine.send(run, 'go', 'gone');
    expect(await run.result()).toBe('gone');
    expect(await engine.queues.get('full')).toMatchObject({ waiting: 1, running: 1 });
    expect(await engine.queues.get('paused')).toMatchObject({ waiting: 1, running: 0 });
    await engine.queues.resume('paused');
    for (const one of [holder, behind, held]) await engine.send(one, 'go', 'gone');
    await Promise.all([holder, behind, held].map((one) => one.result()));
  });

  it('keeps a key in order while somebody sends to the run at its head, or changes it', async () => {
    const order: string[] = [];
    const note = workflow('note', async (name: string) => await step.run('note', () => void order.push(name)));
    const test = await freshDatabase(open);
    // PGlite has one connection, so that nobody ever has anything locked.
    if (test.database.kind === 'pglite') return;
    const line = queue('strict', { perKey: { concurrency: 1 } });
    const engine = await launchEngine(test, { workflows: [note], poll });
    const other = await test.reopen();
    for (const [round, lock] of ['for key share', 'for no key update'].entries()) {
      await engine.queues.pause('strict');
      const ids = [1, 2, 3].map((no) => `${round} ${no}`);
      for (const id of ids) await line.with({ engine, key: 'k', workflowId: id }).enqueue(note, id);
      await other.transaction(async (tx) => {
        const text = `select 1 from "${test.schema}".runs where workflow_id = '${round} 1' ${lock}`;
        await tx.query({ name: `lock ${round}`, text, values: [] });
        await engine.queues.resume('strict');
        const free = await line.with({ engine, key: 'other' }).enqueue(note, `${round} free`);
        await free.result();
        if (round === 0) await engine.run(ids[0]!).result();
      });
      await Promise.all(ids.map((id) => engine.run(id).result()));
      expect(order.filter((name) => ids.includes(name))).toEqual(ids);
    }
  });

  it('counts what runs on another version within its limit, and passes over what it has no version of', async () => {
    const line = queue('versions', { concurrency: 1 });
    const older = workflow('deployed', async () => await receive<string>('go'), { version: '1' });
    const newer = workflow('deployed', async () => 'newer', { version: '2' });
    const test = await freshDatabase(open);
    const before = await launchEngine(test, { workflows: [older], poll });
    const running = await line.with({ engine: before }).enqueue(older);
    await expect.poll(async () => (await running.status()).status).toBe('running');
    const stranded = await line.with({ engine: before }).enqueue(older);
    const after = await launchEngine({ ...test, database: await test.reopen() }, { workflows: [newer], poll });
    const run = await line.with({ engine: after }).enqueue(newer);
    expect(await after.queues.get('versions')).toMatchObject({ running: 1, waiting: 2 });
    expect((await run.status()).status).toBe('enqueued');
    await before.shutdown();
    expect(await after.run(run.workflowId).result()).toBe('newer');
    expect(await after.queues.get('versions')).toMatchObject({ running: 0, waiting: 2 });
    const again = await launchEngine({ ...test, database: await test.reopen() }, { workflows: [older], poll });
    for (const { workflowId } of [running, stranded]) await again.send(workflowId, 'go', 'older');
    const ended = [running, stranded].map(({ workflowId }) => again.run(workflowId).result());
    expect(await Promise.all(ended)).toEqual(['older', 'older']);
  });

  it('is served as soon as it is declared, also by processes that were launched before', async () => {
    const work = workflow('early', async (n: number) => n);
    const test = await freshDatabase(open);
    const worker = await launchEngine(test, { workflows: [work], poll });
    const other = await launchEngine({ ...test, database: await test.reopen() }, { workflows: [], queues: [] });
    const late = queue('declared after the launch');
    const run = await late.with({ engine: other }).enqueue(other.workflow<typeof work>('early'), 7);
    expect(await run.result()).toBe(7);
    expect(await worker.queues.get('declared after the launch')).toMatchObject({ waiting: 0 });
  });

  it('never begins what is cancelled while it is delayed, and lets go of its deduplication id', async () => {
    const seen: string[] = [];
    const note = workflow('noted', async (name: string) => await step.run('note', () => void seen.push(name)));
    const { perdure, clock } = await testEngine(await freshDatabase(open), { workflows: [note] });
    const unique = queue('unique').with({ engine: perdure, deduplication: { id: 'one' } });
    const delayed = await unique.with({ delay: '1h' }).enqueue(note, 'delayed');
    await expect(unique.enqueue(note, 'refused')).rejects.toMatchObject({ code: 'PERDURE_ITEM_DUPLICATE' });
    await delayed.cancel();
    await expect(delayed.result()).rejects.toMatchObject({ code: 'PERDURE_CANCELLED' });
    await (await unique.enqueue(note, 'next')).result();
    clock.advance(2 * 3_600_000);
    await (await unique.enqueue(note, 'last')).result();
    expect(seen).toEqual(['next', 'last']);
  });

  it('takes one call of a workflow for whom it attaches, the same in a replay', async () => {
    const slow = workflow('shared', async () => await receive<string>('go'));
    const shared = queue('shared');
    const parent = workflow('parent', async () => {
      const attached = shared.with({ deduplication: { id: 'shared', policy: 'attach' } });
      const [first, second] = [await attached.enqueue(slow), await attached.enqueue(slow)];
      await step.run('after', () => 'after');
      return [first.workflowId === second.workflowId, await second.result()];
    });
    const engine = await testEngine(await freshDatabase(open), { workflows: [slow, parent] });
    const crashed = engine.crashAfter(3);
    await parent.with({ engine: engine.perdure, workflowId: 'parent' }).start();
    await crashed;
    await engine.restart();
    await engine.perdure.send('parent.0', 'go', 'shared');
    expect(await engine.perdure.run('parent').result()).toEqual([true, 'shared']);
  });

  it('attaches in a transaction, too, to what is there already', async () => {
    const shared = workflow('attached', async (n: number) => n);
    const line = queue('attached').with({ deduplication: { id: 'one', policy: 'attach' }, delay: '1h' });
    const ordering = workflow('ordering', async () => {
      return await step.transaction('order', async () => (await line.enqueue(shared, 2)).workflowId);
    });
    const { perdure } = await testEngine(await freshDatabase(open), { workflows: [shared, ordering] });
    const first = await line.with({ engine: perdure }).enqueue(shared, 1);
    expect(await ordering.with({ engine: perdure })()).toBe(first.workflowId);
    expect(await first.result()).toBe(1);
  });
});
