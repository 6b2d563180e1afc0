import {
  completeToken,
  createToken,
  currentRun,
  getEvent,
  patched,
  type Perdure,
  queue,
  random,
  receive,
  setEvent,
  sleep,
  step,
  stream,
  uuid,
  workflow,
} from '@perdure/core';
import { describe, expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { freshDatabase, launchEngine, testEngine } from '../support/engines.js';

/** What was done live, by the run that did it. */
const done: string[] = [];
const note = (what: string): string => {
  done.push(`${currentRun()!.workflowId} ${what}`);
  return what;
};

const child = workflow('child', async (name: string) => await step.run('in child', () => note(`child ${name}`)));

/** All that a history can hold: steps beside each other, children, messages, events, streams, sleeps, chance. */
const everything = workflow('everything', async () => {
  const drawn = [uuid(), random()];
  const first = await step.run('first', () => note('first')); // 0
  await setEvent('stage', 1); // 1
  const greeting = await receive<string>('news'); // 2
  await stream<string>('log').append('a', 'b'); // 3
  const awaited = await child('awaited'); // 4
  const started = await child.start('started'); // 5
  await setEvent('stage', 2); // 6
  await step.run('writing', async () => {
    note('writing');
    await stream<string>('log').append('c');
  }); // 7
  const both = await Promise.all([
    step.run('left', () => note('left')), // 8
    receive<string>('news'), // 9
    sleep(1), // 10
  ]);
  await stream<string>('log').append('d'); // 11
  await stream('log').close(); // 12
  await setEvent('stage', 3); // 13
  const other = await started.result(); // 14
  return { drawn, first, greeting, awaited, other, both: both.slice(0, 2), last: uuid() };
});
const callCount = 15;

const changed = workflow('changed', async () => {
  const before = await step.run('before', () => note('before')); // 0
  const more = patched('more') ? [await step.run('added', () => note('added'))] : []; // 1
  return [before, ...more, await step.run('after', () => note('after'))]; // 2
});

/** The live work of each call, by its number. */
const work: Readonly<Record<number, string>> = { 0: 'first', 7: 'writing', 8: 'left' };
const children: Readonly<Record<number, string>> = { 4: 'awaited', 5: 'started' };

describe.each(databases)('a fork on $name', ({ open }) => {
  it('at every step boundary has the history before it, does the rest by itself, and ends as its source did', async () => {
    const engine = await launchEngine(await freshDatabase(open), { workflows: [child, everything] });
    await everything.with({ engine, workflowId: 'source', attributes: { kind: 'source' } }).start();
    for (const message of ['one', 'two', 'three']) await engine.send('source', 'news', message);
    const expected = await engine.run('source').result();
    const sourceSteps = await engine.runs.steps('source');
    expect(sourceSteps.map((recorded) => recorded.step)).toEqual(Array.from({ length: callCount }, (_, no) => no));

    for (let from = 0; from <= callCount; from += 1) {
      done.length = 0;
      const id = `fork at ${from}`;
      expect(await engine.runs.fork('source', { from, workflowId: id })).toEqual({
        workflowId: id,
        forkedFrom: 'source',
        step: from,
      });
      expect(await engine.run(id).result()).toEqual(expected);
      // What came before is the source's; what comes after was done again, by the fork.
      const steps = await engine.runs.steps(id);
      const told = (recorded: (typeof steps)[number]) => [recorded.step, recorded.kind, recorded.name, recorded.value];
      expect(steps.slice(0, from)).toEqual(sourceSteps.slice(0, from));
      const isOwn = (recorded: (typeof steps)[number]) =>
        recorded.kind === 'start' || recorded.name.startsWith('source.');
      expect(steps.filter((recorded) => !isOwn(recorded) && recorded.kind !== 'result').map(told)).toEqual(
        sourceSteps.filter((recorded) => !isOwn(recorded) && recorded.kind !== 'result').map(told),
      );
      const again = Object.entries(work).flatMap(([no, what]) => (Number(no) >= from ? [`${id} ${what}`] : []));
      const ownChildren = Object.entries(children).filter(([no]) => Number(no) >= from);
      expect(done.filter((line) => line.startsWith(`${id} `)).toSorted()).toEqual(again.toSorted());
      expect(done).toHaveLength(again.length + ownChildren.length);
      expect((await engine.runs.list({ parentId: id })).runs).toHaveLength(ownChildren.length);
      expect(await getEvent(id, 'stage', { engine })).toBe(3);
      const log: unknown[] = [];
      for await (const item of engine.readStream(id, 'log'))
        if (item.kind === 'value') log.push([item.offset, item.value]);
      expect(log).toEqual([
        [0, 'a'],
        [1, 'b'],
        [2, 'c'],
        [3, 'd'],
      ]);
      expect(await engine.run(id).status()).toMatchObject({
        forkedFrom: 'source',
        attributes: { kind: 'source' },
        parentId: null,
      });
    }
    expect(await engine.runs.steps('source')).toEqual(sourceSteps);
    expect((await engine.runs.list({ forkedFrom: 'source' })).runs).toHaveLength(callCount + 1);
  });

  it('takes the way that its source took at a patch, also where it begins right behind that', async () => {
    const engine = await launchEngine(await freshDatabase(open), { workflows: [changed] });
    await changed.with({ engine, workflowId: 'source' }).start();
    const expected = await engine.run('source').result();
    expect(expected).toEqual(['before', 'added', 'after']);
    for (const from of [0, 1, 2, 3]) {
      const { workflowId } = await engine.runs.fork('source', { from });
      expect(await engine.run(workflowId).result()).toEqual(expected);
    }
  });

  it('at the step that failed goes on with mended code, on any version, one or many, and keeps what came before', async () => {
    const test = await freshDatabase(open);
    const ran: string[] = [];
    const build = (isBroken: boolean) =>
      workflow(
        'mended',
        async (item: string) => {
          await step.run('before', () => void ran.push(`before ${item}`));
          await step.run('caught', () => Promise.reject(new Error('caught'))).catch(() => {});
          return await step.run('breaking', () => {
            if (isBroken) throw new TypeError('broken');
            return `mended ${item}`;
          });
        },
        { version: isBroken ? '1' : '2' },
      );
    const [broken, mended] = [build(true), build(false)];
    const before = await launchEngine(test, { workflows: [broken] });
    for (const id of ['a', 'b', 'c']) {
      await expect(broken.with({ engine: before, workflowId: id })(id)).rejects.toThrow('broken');
    }
    await before.shutdown();
    const engine = await launchEngine({ ...test, database: await test.reopen() }, { workflows: [mended] });
    ran.length = 0;
    const one = await engine.runs.fork('a', { from: 'failed', version: '2' });
    expect(one.step).toBe(2);
    expect(await engine.run(one.workflowId).result()).toBe('mended a');
    const rest = await engine.runs.forkAll(
      { name: 'mended', id: ['b', 'c'] },
      { from: 'failed', version: { any: true } },
    );
    expect(rest.map(({ forkedFrom, step: at }) => [forkedFrom, at])).toEqual([
      ['b', 2],
      ['c', 2],
    ]);
    expect(await Promise.all(rest.map((fork) => engine.run(fork.workflowId).result()))).toEqual([
      'mended b',
      'mended c',
    ]);
    expect(ran).toEqual([]);
    const named = await engine.runs.fork('a', { from: { step: 'before' }, version: '2' });
    expect([named.step, await engine.run(named.workflowId).result()]).toEqual([0, 'mended a']);
    expect((await engine.runs.fork('a', { from: 'last', version: '2' })).step).toBe(2);
    expect(ran).toEqual(['before a']);
  });

  it('of many is made of all of them, or of none where one has not made that call', async () => {
    const paying = workflow('paying', async (isCharged: boolean) => {
      if (isCharged) await step.run('charge', () => 1);
      return await step.run('send', () => Promise.reject(new Error('no')));
    });
    const engine = await launchEngine(await freshDatabase(open), { workflows: [paying] });
    for (const id of ['charged 1', 'free', 'charged 2']) {
      await paying
        .with({ engine, workflowId: id })(id.startsWith('charged'))
        .catch(() => {});
    }
    const from = { step: 'charge' };
    await expect(engine.runs.forkAll({ name: 'paying', status: 'failed' }, { from })).rejects.toMatchObject({
      code: 'PERDURE_INVALID_ARGUMENT',
      message: expect.stringContaining('"free"'),
    });
    await expect(engine.runs.forkAll(['charged 1', 'none'])).rejects.toMatchObject({ code: 'PERDURE_RUN_NOT_FOUND' });
    expect((await engine.runs.list()).runs).toHaveLength(3);
    const forks = await engine.runs.forkAll({ name: 'paying', idPrefix: 'charged' }, { from });
    expect(forks.map(({ forkedFrom }) => forkedFrom)).toEqual(['charged 1', 'charged 2']);
  });

  it('is one fork under its id, and says what is wrong', async () => {
    const short = workflow('short', async () => await step.run('only', () => 1));
    const engine = await launchEngine(await freshDatabase(open), { workflows: [short] });
    await short.with({ engine, workflowId: 's' })();
    const options = { workflowId: 'f', from: 1 };
    expect(await engine.runs.fork('s', options)).toEqual(await engine.runs.fork('s', options));
    const refusal = (code: string) => ({ code: `PERDURE_${code}` });
    await expect(engine.runs.fork('s', { workflowId: 'f', from: 0 })).rejects.toMatchObject(
      refusal('WORKFLOW_CONFLICT'),
    );
    await expect(engine.runs.fork('f', { workflowId: 's' })).rejects.toMatchObject(refusal('WORKFLOW_CONFLICT'));
    await expect(engine.runs.fork('none')).rejects.toMatchObject(refusal('RUN_NOT_FOUND'));
    for (const from of [2, -1, 0.5, 'first' as never, { step: 'other' }]) {
      await expect(engine.runs.fork('s', { from })).rejects.toMatchObject(refusal('INVALID_ARGUMENT'));
    }
    await expect(engine.runs.fork('s', { priority: 1 })).rejects.toMatchObject(refusal('INVALID_ARGUMENT'));
    await expect(engine.runs.fork('s', { queue: 'undeclared' })).rejects.toMatchObject(refusal('QUEUE_NOT_FOUND'));
  });

  it('of a run of a queue waits there as that one did, or elsewhere, within all limits', async () => {
    const lines = queue('forks', { concurrency: 1 });
    queue('others');
    const asking = workflow('asking', async () => [await receive('go'), currentRun()!.workflowId]);
    const engine = await launchEngine(await freshDatabase(open), { workflows: [asking] });
    const run = await lines.with({ engine, key: 'k', priority: 2 }).enqueue(asking);
    const fork = (options: object) => engine.runs.fork(run.workflowId, options);
    const same = await fork({ workflowId: 'same' });
    const [other, none] = [
      await fork({ queue: 'others', workflowId: 'other' }),
      await fork({ queue: null, workflowId: 'none' }),
    ];
    for (const { workflowId } of [other, none]) {
      await engine.send(workflowId, 'go', 1);
      expect(await engine.run(workflowId).result()).toEqual([1, workflowId]);
    }
    expect(await engine.runs.explain(same.workflowId)).toMatchObject({
      reason: 'queue-full',
      dueTo: { workflowId: run.workflowId },
    });
    await engine.runs.cancel(run.workflowId);
    await engine.send('same', 'go', 2);
    expect(await engine.run('same').result()).toEqual([2, 'same']);
  });

  it('has the retries, the timers and the tokens of its source, and its committed transactions', async () => {
    let tries = 0;
    const retried = workflow(
      'retried',
      async () => {
        const drawn = await step.run('drawn', () => currentRun()!.idempotencyKey);
        const approval = await createToken<string>('approval');
        await setEvent('token', approval.token);
        await sleep('30d');
        if ((tries += 1) === 1) throw new Error('once');
        return [drawn, await approval.receive()];
      },
      { retries: 1, backoff: { initial: '1ms' } },
    );
    const engine = await testEngine(await freshDatabase(open), { workflows: [retried] });
    const { perdure } = engine;
    const run = await retried.with({ engine: perdure, workflowId: 'r' }).start();
    const finish = async (on: Perdure, id: string, value: string) => {
      await completeToken(await getEvent<string>(id, 'token', { engine: on }), value, { engine: on });
      return await on.run(id).result();
    };
    await expect
      .poll(async () => (await perdure.runs.steps('r')).at(-1))
      .toMatchObject({ retries: 1, step: 3, status: 'completed' });
    const before = engine.clock.now();
    await perdure.runs.fork('r', { from: 4, workflowId: 'f' });
    expect(await finish(perdure, 'f', 'for the fork')).toEqual(['r:r1:0', 'for the fork']);
    expect(engine.clock.now() - before).toBeLessThan(30 * 86_400_000);
    expect(await finish(perdure, 'r', 'for the source')).toEqual(['r:r1:0', 'for the source']);
    await run.result();
  });
});
