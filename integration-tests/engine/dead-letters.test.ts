import { currentRun, queue, readStream, receive, sleep, step, stream, workflow } from '@perdure/core';
import { describe, expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { connectClient, freshDatabase, launchEngine, testEngine } from '../support/engines.js';
import { pollIfToldNothing as poll } from '../support/lanes.js';
import { losingAReply } from '../support/losing-a-reply.js';

/** A workflow whose second step fails until it is mended. */
function breakable(name: string) {
  const seen: string[] = [];
  const state = { isBroken: true };
  const work = workflow(name, async (item: string) => {
    await step.run('first', () => void seen.push(`first ${item}`));
    return await step.run('second', () => {
      seen.push(`second ${item}`);
      if (state.isBroken) throw new TypeError(`no ${item}`);
      return `done ${item}`;
    });
  });
  return { seen, state, work };
}

describe.each(databases)('dead letters on $name', ({ open }) => {
  it('are the runs of a queue that failed, in the order of enqueuing; not those that completed or were cancelled', async () => {
    const { state, work } = breakable('listed');
    const endless = workflow('endless', async () => await receive('never'));
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [work, endless] });
    const lines = queue('listed').with({ engine: perdure });
    const ids = ['a', 'b', 'c'];
    for (const id of ids) await lines.with({ workflowId: id, key: `key ${id}`, priority: 2 }).enqueue(work, id);
    await Promise.allSettled(ids.map((id) => perdure.run(id).result()));
    state.isBroken = false;
    await (await lines.enqueue(work, 'fine')).result();
    const cancelled = await lines.enqueue(endless);
    await cancelled.cancel();
    await expect(cancelled.result()).rejects.toMatchObject({ code: 'PERDURE_CANCELLED' });

    const { deadLetters } = perdure.queues;
    const listed = await deadLetters.list('listed');
    expect(listed.map(({ workflowId }) => workflowId)).toEqual(ids);
    expect(listed[0]).toMatchObject({
      workflow: 'listed',
      version: work.definition.version,
      key: 'key a',
      priority: 2,
      units: 1,
      attempt: 1,
      status: 'failed',
    });
    expect(listed.map(({ error }) => String(error))).toEqual(ids.map((id) => `TypeError: no ${id}`));
    expect(await deadLetters.list('listed', { limit: 1, after: listed[0]!.place })).toEqual([listed[1]]);
    expect(await perdure.queues.get('listed')).toMatchObject({ deadLetters: 3, waiting: 0, running: 0 });
    expect(await deadLetters.drop('listed', { ids: ['b', 'unknown'] })).toEqual(['b']);
    expect(await deadLetters.redrive('listed', { ids: ['b'] })).toEqual([]);
    expect(await perdure.run('b').status()).toMatchObject({ status: 'failed' });
  });

  it('start afresh when they are put back, on whatever version there is, and end under their workflow ids', async () => {
    const { seen, work } = breakable('mended');
    const test = await freshDatabase(open);
    const perdure = await launchEngine(test, { workflows: [work] });
    const lines = queue('mended', { perKey: { concurrency: 1 } });
    const ids = ['a', 'b', 'c', 'd'];
    for (const id of ids) await lines.with({ engine: perdure, workflowId: id, key: 'k' }).enqueue(work, id);
    await Promise.allSettled(ids.map((id) => perdure.run(id).result()));
    await perdure.shutdown();
    seen.length = 0;
    const newer = workflow('mended', async (item: string) => {
      await step.run('once', () => void seen.push(item));
      return `newer ${item}`;
    });
    const next = await launchEngine({ ...test, database: await test.reopen() }, { workflows: [newer] });
    const { deadLetters } = next.queues;
    expect(await deadLetters.redrive('mended', { limit: 3 })).toEqual(['a', 'b', 'c']);
    expect(await Promise.all(['a', 'b', 'c'].map((id) => next.run(id).result()))).toEqual([
      'newer a',
      'newer b',
      'newer c',
    ]);
    expect(seen).toEqual(['a', 'b', 'c']);
    expect(await next.run('a').status()).toMatchObject({ version: newer.definition.version, attempt: 2 });
    expect((await deadLetters.list('mended')).map(({ workflowId }) => workflowId)).toEqual(['d']);
  });

  it('have all their retries again, and are dead letters again when these are used up', async () => {
    const tries: (string | undefined)[] = [];
    const failing = workflow(
      'failing',
      async () =>
        await step.run('try', () => {
          tries.push(currentRun()?.idempotencyKey);
          throw new Error('no');
        }),
      { retries: 1, backoff: { initial: '1ms' } },
    );
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [failing] });
    const run = await queue('failing').with({ engine: perdure, workflowId: 'f' }).enqueue(failing);
    await expect(run.result()).rejects.toThrow('no');
    expect(await perdure.queues.deadLetters.redrive('failing')).toEqual(['f']);
    await expect.poll(() => tries.length).toBe(4);
    await expect(run.result()).rejects.toThrow('no');
    expect(tries).toEqual(['f:0', 'f:r1:0', 'f:r2:0', 'f:r3:0']);
    expect(await perdure.queues.deadLetters.list('failing')).toMatchObject([{ workflowId: 'f', attempt: 2 }]);
  });

  it('take back what they wrote to streams, and receive their messages again', async () => {
    let isBroken = true;
    const writing = workflow('writing', async () => {
      await stream<string>('log').append(isBroken ? 'old' : 'new');
      const order = await receive<string>('order');
      if (isBroken) throw new Error('broken');
      return order;
    });
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [writing] });
    const run = await queue('writing').with({ engine: perdure }).enqueue(writing);
    await perdure.send(run, 'order', 'tea');
    await expect(run.result()).rejects.toThrow('broken');
    isBroken = false;
    await perdure.queues.deadLetters.redrive('writing');
    expect(await run.result()).toBe('tea');
    const values: unknown[] = [];
    for await (const item of readStream<string>(run, 'log', { engine: perdure })) {
      if (item.kind === 'value') values.push(item.value);
    }
    expect(values).toEqual(['new']);
  });

  it('go on where they were when processes have died under them, or afresh if that is asked for', async () => {
    const seen: string[] = [];
    const state = { isDeadly: true };
    const deadly = workflow('deadly', async () => {
      await step.run('before', () => void seen.push('before'));
      await step.run('deadly', async () => {
        seen.push('deadly');
        if (state.isDeadly) await new Promise<never>(() => {});
      });
      return 'alive';
    });
    const engine = await testEngine(await freshDatabase(open), { workflows: [deadly], maxCrashes: 2 });
    const lines = queue('deadly');
    for (const id of ['on', 'anew']) {
      await lines.with({ engine: engine.perdure, workflowId: id }).enqueue(deadly);
      await expect
        .poll(async () => {
          if (seen.at(-1) !== 'deadly') {
            engine.clock.advance(1_000); // the steps that never end hold the clock
            return (await engine.perdure.run(id).status()).status;
          }
          seen.push('crash');
          await engine.restart();
          return 'crashed';
        })
        .toBe('dead');
    }
    state.isDeadly = false;
    const { deadLetters } = engine.perdure.queues;
    expect(await deadLetters.list('deadly')).toMatchObject([{ status: 'dead' }, { status: 'dead' }]);
    const { runs } = engine.perdure;
    const { next } = await runs.list({ status: 'dead' }, { limit: 1 });
    expect((await runs.list({ status: 'dead' }, { after: next! })).runs).toMatchObject([{ workflowId: 'on' }]);
    seen.length = 0;
    await deadLetters.redrive('deadly', { ids: ['on'] });
    expect(await engine.perdure.run('on').result()).toBe('alive');
    expect(seen).toEqual(['deadly']);
    await deadLetters.redrive('deadly', { afresh: true });
    expect(await engine.perdure.run('anew').result()).toBe('alive');
    expect(seen).toEqual(['deadly', 'before', 'deadly']);
  });

  it('wait and take as long as they may, counted anew', async () => {
    const slow = workflow('slow', async (time: string) => {
      await sleep(time);
      return time;
    });
    const hold = workflow('hold', async () => await receive('go'));
    const line = queue('slow', { concurrency: 1, maxWait: '1h' });
    const { perdure, clock } = await testEngine(await freshDatabase(open), { workflows: [slow, hold] });
    const holder = await line.with({ engine: perdure }).enqueue(hold);
    await expect.poll(async () => (await holder.status()).status).toBe('running');
    const lines = line.with({ engine: perdure, timeout: '2h' });
    const expired = await lines.with({ workflowId: 'expired' }).enqueue(slow, '90m');
    clock.advance(2 * 3_600_000);
    await expect(expired.result()).rejects.toMatchObject({ code: 'PERDURE_QUEUE_TIMEOUT' });
    await perdure.send(holder, 'go', null);
    await holder.result();
    const late = await lines.with({ workflowId: 'late' }).enqueue(slow, '3h');
    await expect(late.result()).rejects.toMatchObject({ code: 'PERDURE_WORKFLOW_TIMEOUT' });
    expect(await perdure.queues.deadLetters.redrive('slow', { ids: ['expired'] })).toEqual(['expired']);
    expect(await expired.result()).toBe('90m');
    expect(await perdure.queues.deadLetters.redrive('slow')).toEqual(['late']);
    await expect.poll(async () => (await late.status()).attempt).toBe(2);
    await expect(late.result()).rejects.toMatchObject({ code: 'PERDURE_WORKFLOW_TIMEOUT' });
    expect(await perdure.queues.deadLetters.list('slow')).toMatchObject([{ workflowId: 'late', attempt: 2 }]);
  });

  it('are put back by a client, which has no code of them', async () => {
    const { state, work } = breakable('from afar');
    const test = await freshDatabase(open);
    const perdure = await launchEngine(test, { workflows: [work], poll });
    const client = await connectClient(test, { database: await test.reopen() });
    const run = await queue('from afar').with({ engine: perdure }).enqueue(work, 'x');
    await expect(run.result()).rejects.toThrow(TypeError);
    state.isBroken = false;
    const { deadLetters } = client.queues;
    expect(await deadLetters.list('from afar')).toMatchObject([{ workflowId: run.workflowId }]);
    expect(await deadLetters.redrive('from afar')).toEqual([run.workflowId]);
    expect(await client.run(run.workflowId).result()).toBe('done x');
    for (const limit of [0, -1, 1.5, Infinity, 10_001]) {
      await expect(deadLetters.redrive('from afar', { limit })).rejects.toMatchObject({
        code: 'PERDURE_INVALID_ARGUMENT',
      });
    }
    await expect(deadLetters.list('unheard of')).rejects.toMatchObject({ code: 'PERDURE_QUEUE_NOT_FOUND' });
  });

  it('are not ended again by a process that never heard that their failure was stored', async () => {
    const { state, work } = breakable('ended twice');
    const test = await freshDatabase(open);
    const { database, lost, sendAgain } = losingAReply(test.database, /flush_new_.*dead/);
    const first = await launchEngine({ ...test, database }, { workflows: [work], poll });
    const line = queue('ended twice');
    await line.with({ engine: first, workflowId: 'x' }).enqueue(work, 'x');
    await lost;
    state.isBroken = false;
    const client = await connectClient(test, { database: await test.reopen() });
    await client.queues.pause('ended twice');
    expect(await client.queues.deadLetters.redrive('ended twice')).toEqual(['x']);
    sendAgain();
    // The next flush of this process is behind the one that is sent again.
    await work.with({ engine: first })('y');
    expect(await client.run('x').status()).toMatchObject({ status: 'enqueued', finishedAt: null });
    expect(await client.queues.get('ended twice')).toMatchObject({ waiting: 1, deadLetters: 0 });
    await client.queues.resume('ended twice');
    expect(await client.run('x').result()).toBe('done x');
  });

  it('are executed again by a process that never heard that their failure was stored', async () => {
    const { state, work } = breakable('taken again');
    const test = await freshDatabase(open);
    const { database, lost, sendAgain } = losingAReply(test.database, /flush_new_.*dead/);
    const first = await launchEngine({ ...test, database }, { workflows: [work], poll });
    await queue('taken again').with({ engine: first, workflowId: 'x' }).enqueue(work, 'x');
    await lost;
    state.isBroken = false;
    const client = await connectClient(test, { database: await test.reopen() });
    expect(await client.queues.deadLetters.redrive('taken again')).toEqual(['x']);
    await expect.poll(async () => (await client.run('x').status()).attempt).toBe(2);
    sendAgain();
    expect(await client.run('x').result()).toBe('done x');
  });
});
