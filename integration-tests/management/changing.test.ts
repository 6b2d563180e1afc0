import { currentRun, getEvent, queue, receive, setEvent, sleep, step, stream, workflow } from '@perdure/core';
import { describe, expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { connectClient, freshDatabase, launchEngine, testEngine } from '../support/engines.js';
import { pollIfToldNothing as poll } from '../support/lanes.js';
import { losingAReply } from '../support/losing-a-reply.js';

/** A workflow that takes a step, waits for a message, and takes another one. */
function halfway(name: string) {
  const seen: string[] = [];
  const work = workflow(name, async () => {
    await step.run('before', () => void seen.push(`before ${currentRun()!.workflowId}`));
    await setEvent('ready', true);
    const message = await receive<string>('go');
    return await step.run('after', () => {
      seen.push(`after ${currentRun()!.workflowId}`);
      return message;
    });
  });
  return { seen, work };
}

describe.each(databases)('runs that are changed from outside on $name', ({ open }) => {
  it('go on with their next step when they were cancelled between steps and are resumed, one or many, by a client too', async () => {
    const { seen, work } = halfway('halfway');
    const test = await freshDatabase(open);
    const engine = await launchEngine(test, { workflows: [work] });
    const client = await connectClient(test);
    const ids = ['a', 'b', 'c'];
    for (const workflowId of ids) await work.with({ engine, workflowId, timeout: '1h' }).start();
    for (const id of ids) await getEvent(id, 'ready', { engine });
    expect(await client.runs.cancel({ name: 'halfway' })).toEqual({ changed: ids, unchanged: [] });
    for (const id of ids) await expect(engine.run(id).result()).rejects.toMatchObject({ code: 'PERDURE_CANCELLED' });
    expect(await client.runs.resume(['a', 'none', 'b'])).toEqual({
      changed: ['a', 'b'],
      unchanged: [{ workflowId: 'none', why: 'there is no such run' }],
    });
    for (const id of ['a', 'b']) {
      await client.send(id, 'go', `for ${id}`);
      expect(await client.run(id).result()).toBe(`for ${id}`);
      expect(await client.run(id).status()).toMatchObject({
        status: 'completed',
        deadlineAt: null,
        cancelRequested: false,
      });
    }
    expect(seen.filter((what) => what.startsWith('before'))).toHaveLength(3);
    expect(await client.runs.resume('a')).toEqual({
      changed: [],
      unchanged: [{ workflowId: 'a', why: 'it has completed' }],
    });
    expect(await client.run('c').status()).toMatchObject({ status: 'cancelled' });
  });

  it('wait for their turn again when they are resumed in a queue, with the key, the priority and the units that they had', async () => {
    const { work } = halfway('in line');
    const lines = queue('resumed', { perKey: { concurrency: 1 } });
    const engine = await launchEngine(await freshDatabase(open), { workflows: [work] });
    const bound = lines.with({ engine, key: 'k', priority: 4 });
    await bound.with({ workflowId: 'first' }).enqueue(work);
    await getEvent('first', 'ready', { engine });
    await bound.with({ workflowId: 'second', units: 2 }).enqueue(work);
    await engine.runs.cancel(['first', 'second']);
    await bound.with({ workflowId: 'third' }).enqueue(work);
    await getEvent('third', 'ready', { engine });
    expect((await engine.runs.resume({ queue: 'resumed' })).changed).toEqual(['first', 'second']);
    expect(await engine.run('first').status()).toMatchObject({ status: 'enqueued', queue: 'resumed' });
    expect(await engine.runs.explain('first')).toMatchObject({ reason: 'key-full', dueTo: { workflowId: 'third' } });
    for (const id of ['third', 'first', 'second']) {
      await engine.send(id, 'go', id);
      expect(await engine.run(id).result()).toBe(id);
    }
  });

  it('are only resumed where there is a way to go on: not after a failure of their own, nor after they were shown that they are cancelled', async () => {
    let isBroken = true;
    const failing = workflow('failing', async () => {
      const key = await step.run('key', () => currentRun()!.idempotencyKey);
      return await step.run('fail', () => {
        if (isBroken) throw new RangeError('no');
        return key;
      });
    });
    const told = workflow(
      'told',
      async () => {
        try {
          await sleep('1d');
        } finally {
          await step.run('undo', () => {});
        }
      },
      { onCancel: 'throw' },
    );
    const late = workflow('late', async () => await receive<string>('go'), { timeout: '1ms' });
    const engine = await launchEngine(await freshDatabase(open), { workflows: [failing, told, late] });
    await expect(failing.with({ engine, workflowId: 'f' })()).rejects.toThrow('no');
    await told.with({ engine, workflowId: 't' }).start();
    await engine.runs.cancel('t');
    await expect(engine.run('t').result()).rejects.toMatchObject({ code: 'PERDURE_CANCELLED' });
    await expect(late.with({ engine, workflowId: 'l' })()).rejects.toMatchObject({ code: 'PERDURE_WORKFLOW_TIMEOUT' });
    expect(await engine.runs.resume(['f', 't', 'l'])).toEqual({
      changed: ['l'],
      unchanged: [
        { workflowId: 'f', why: expect.stringContaining('restart it, or fork it') },
        { workflowId: 't', why: expect.stringContaining('restart it, or fork it') },
      ],
    });
    expect(await engine.runs.explain('t')).toMatchObject({ reason: 'cancelled', command: 'perdure restart t' });
    expect((await engine.runs.restart('t')).changed).toEqual(['t']);
    await engine.send('l', 'go', 'in time');
    expect(await engine.run('l').result()).toBe('in time');
    isBroken = false;
    expect((await engine.runs.restart({ name: 'failing' })).changed).toEqual(['f']);
    expect(await engine.run('f').result()).toBe('f:r1:0');
  });

  it('start from the beginning when they are restarted, on the version that there is then, and receive their messages again', async () => {
    const test = await freshDatabase(open);
    const old = workflow('restarted', async () => {
      await stream<string>('log').append('old');
      await receive('order');
      throw new Error('old code');
    });
    const before = await launchEngine(test, { workflows: [old] });
    const run = await old.with({ engine: before, workflowId: 'r' }).start();
    await before.send('r', 'order', 'tea');
    await expect(run.result()).rejects.toThrow('old code');
    await before.shutdown();
    const newer = workflow('restarted', async () => {
      await stream<string>('log').append('new');
      return await receive<string>('order');
    });
    const engine = await launchEngine({ ...test, database: await test.reopen() }, { workflows: [newer] });
    expect((await engine.runs.restart('r')).changed).toEqual(['r']);
    expect(await engine.run('r').result()).toBe('tea');
    expect(await engine.run('r').status()).toMatchObject({ version: newer.definition.version });
    const values: unknown[] = [];
    for await (const item of engine.readStream('r', 'log')) if (item.kind === 'value') values.push(item.value);
    expect(values).toEqual(['new']);
    expect((await engine.runs.steps('r')).map(({ retries, kind }) => `${retries} ${kind}`)).toEqual([
      '0 stream',
      '0 receive',
      '1 stream',
      '1 receive',
    ]);
  });

  it('are given all their crashes again when they are dead and are resumed', async () => {
    const state = { isDeadly: true };
    let begun = 0;
    const deadly = workflow('deadly', async () => {
      await step.run('deadly', async () => {
        begun += 1;
        if (state.isDeadly) await new Promise<never>(() => {});
      });
      return 'alive';
    });
    const engine = await testEngine(await freshDatabase(open), { workflows: [deadly], maxCrashes: 2 });
    await deadly.with({ engine: engine.perdure, workflowId: 'd' }).start();
    for (let crashes = 1; crashes <= 3; crashes += 1) {
      await expect
        .poll(() => {
          if (begun < crashes) engine.clock.advance(1_000); // a step that never ends holds the clock
          return begun;
        })
        .toBe(crashes);
      await engine.restart();
    }
    await expect.poll(async () => (await engine.perdure.run('d').status()).status).toBe('dead');
    state.isDeadly = false;
    expect((await engine.perdure.runs.resume({ status: 'dead', name: 'deadly' })).changed).toEqual(['d']);
    expect(await engine.perdure.run('d').result()).toBe('alive');
  });

  it('are not ended again by a process that never heard that their failure was stored', async () => {
    const state = { isBroken: true };
    let openGate = (): void => {};
    const gate = new Promise<void>((resolve) => (openGate = resolve));
    const work = workflow('ended twice', async (item: string) => {
      if (state.isBroken) throw new TypeError(`no ${item}`);
      if (item === 'x') await step.run('wait', () => gate);
      return `done ${item}`;
    });
    const test = await freshDatabase(open);
    const { database, lost, sendAgain } = losingAReply(test.database, /flush_new_[a-z]+_[a-z]+_one/);
    const first = await launchEngine({ ...test, database }, { workflows: [work], poll });
    await work.with({ engine: first, workflowId: 'x' }).start('x');
    await lost;
    state.isBroken = false;
    const client = await connectClient(test, { database: await test.reopen() });
    expect((await client.runs.restart('x')).changed).toEqual(['x']);
    await expect.poll(async () => (await client.run('x').status()).attempt).toBe(2);
    sendAgain();
    // The next flush of this process is behind the one that is sent again.
    await work.with({ engine: first })('y');
    expect(await client.run('x').status()).toMatchObject({ status: 'running', finishedAt: null });
    openGate();
    expect(await client.run('x').result()).toBe('done x');
  });

  it('are deleted with their children and all that belongs to them, once they have ended, and can be run again under their ids', async () => {
    let runs = 0;
    const child = workflow('a child', async () => await step.run('count', () => (runs += 1)));
    const parent = workflow('a parent', async () => {
      await stream<string>('log').append('x');
      return await child();
    });
    const waiting = workflow('a waiting parent', async () => [await child(), await receive('never')]);
    const test = await freshDatabase(open);
    const engine = await launchEngine(test, { workflows: [child, parent, waiting] });
    const run = parent.with({ engine, workflowId: 'p' });
    expect(await run()).toBe(1);
    await engine.send('p', 'late', 1).catch(() => {});
    await waiting.with({ engine, workflowId: 'w' }).start();
    await expect.poll(async () => (await engine.runs.steps('w')).length).toBe(1);
    expect(await engine.runs.delete(['p', 'w', 'w.0'])).toEqual({
      changed: expect.arrayContaining(['p', 'p.0']),
      unchanged: [
        { workflowId: 'w', why: 'it executes' },
        { workflowId: 'w.0', why: 'it has completed' },
      ],
    });
    const left = await test.database.query({
      name: 'what is left',
      text: ['runs', 'checkpoints', 'outcomes', 'streams', 'messages']
        .map((table) => `select workflow_id from "${test.schema}".${table} where workflow_id like 'p%'`)
        .join(' union all '),
      values: [],
    });
    expect(left).toEqual([]);
    await expect(engine.run('p').result()).rejects.toMatchObject({ code: 'PERDURE_RUN_NOT_FOUND' });
    expect(await run()).toBe(3);
    expect((await engine.runs.delete('p', { children: false })).changed).toEqual(['p']);
    expect((await engine.runs.list({ parentId: 'p' })).runs).toHaveLength(1);
  });

  it('are said to be gone also when the reply was lost that said so first', async () => {
    const child = workflow('gone child', async () => await step.run('one', () => 1));
    const parent = workflow('gone parent', async () => await child());
    const waiting = workflow('open parent', async () => [await child(), await receive('never')]);
    const test = await freshDatabase(open);
    const { database, sendAgain } = losingAReply(test.database, /run_removal_remove_patient/);
    sendAgain();
    const engine = await launchEngine({ ...test, database }, { workflows: [child, parent, waiting] });
    await parent.with({ engine, workflowId: 'p' })();
    await waiting.with({ engine, workflowId: 'o' }).start();
    await expect.poll(async () => (await engine.runs.steps('o')).length).toBe(1);
    expect(await engine.runs.delete(['p', 'none', 'o.0'])).toEqual({
      changed: ['p', 'p.0'],
      unchanged: [
        { workflowId: 'none', why: 'there is no such run' },
        { workflowId: 'o.0', why: 'it has completed' },
      ],
    });
  });

  it('are tried again when they were blocked and are resumed, which is said also when the first reply was lost', async () => {
    let isOtherCode = false;
    const [a, b] = [step('a', () => 'a'), step('b', () => 'b')];
    const work = workflow('blocked', async () => (isOtherCode ? [await b(), await a()] : [await a(), await b()]));
    const test = await freshDatabase(open);
    const { database, sendAgain } = losingAReply(test.database, /run_changes_unblock/);
    sendAgain();
    const engine = await launchEngine({ ...test, database }, { workflows: [work] });
    await work.with({ engine, workflowId: 'source' })();
    isOtherCode = true;
    const { workflowId } = await engine.runs.fork('source', { from: 1 });
    await expect.poll(async () => (await engine.run(workflowId).status()).status).toBe('blocked');
    isOtherCode = false;
    expect(await engine.runs.resume(workflowId)).toEqual({ changed: [workflowId], unchanged: [] });
    expect(await engine.run(workflowId).result()).toEqual(['a', 'b']);
  });

  it('that wait in a queue are put before others, put off and brought forward', async () => {
    const order: string[] = [];
    const noting = workflow('noting', async (name: string) => await step.run('note', () => void order.push(name)));
    const lines = queue('put', { concurrency: 1 });
    const engine = await launchEngine(await freshDatabase(open), { workflows: [noting] });
    await lines.with({ engine, workflowId: 'delayed', delay: '1d' }).enqueue(noting, 'delayed');
    await engine.queues.pause('put');
    for (const id of ['a', 'b', 'c', 'd']) await lines.with({ engine, workflowId: id }).enqueue(noting, id);
    expect((await engine.runs.setPriority('c', -1)).changed).toEqual(['c']);
    expect((await engine.runs.setPriority({ queue: 'put', id: ['a'] }, 7)).changed).toEqual(['a']);
    expect((await engine.runs.setDelay('b', new Date(Date.now() + 3_600_000))).changed).toEqual(['b']);
    expect((await engine.runs.setDelay('delayed', 0)).changed).toEqual(['delayed']);
    expect(await engine.run('b').status()).toMatchObject({ status: 'delayed' });
    await engine.queues.resume('put');
    await Promise.all(['a', 'c', 'd', 'delayed'].map((id) => engine.run(id).result()));
    expect(order).toEqual(['c', 'delayed', 'd', 'a']);
    expect((await engine.runs.resume('b')).changed).toEqual(['b']);
    await engine.run('b').result();
    expect(await engine.runs.setPriority('b', 1)).toEqual({
      changed: [],
      unchanged: [{ workflowId: 'b', why: 'it has completed' }],
    });
    await expect(engine.runs.setPriority('b', 0.5)).rejects.toMatchObject({ code: 'PERDURE_INVALID_ARGUMENT' });
    await expect(engine.runs.setDelay('b', new Date(Number.NaN))).rejects.toMatchObject({
      code: 'PERDURE_INVALID_ARGUMENT',
    });
  });

  it('are cancelled by their age: a limit for all of them at once', async () => {
    const endless = workflow('endless', async () => await receive('never'));
    const engine = await launchEngine(await freshDatabase(open), { workflows: [endless], timeout: '1d' });
    const run = await endless.with({ engine, workflowId: 'old' }).start();
    const { createdAt, deadlineAt } = await run.status();
    expect(deadlineAt).toBe(createdAt + 86_400_000);
    expect((await engine.runs.cancel({ createdBefore: new Date(createdAt) })).changed).toEqual([]);
    const told: number[] = [];
    const onProgress = (done: number): void => void told.push(done);
    const many = await engine.runs.cancel({ createdBefore: new Date(createdAt + 1) }, { onProgress });
    expect([many.changed, told]).toEqual([['old'], [1]]);
    await expect(run.result()).rejects.toMatchObject({ code: 'PERDURE_CANCELLED' });
  });
});
