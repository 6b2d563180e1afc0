import { type RunFilter, queue, sleep, step, workflow } from '@perdure/core';
import { describe, expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { connectClient, freshDatabase, launchEngine } from '../support/engines.js';

const echo = workflow('echo', async (value: unknown) => await step.run('echo', () => value));
const parent = workflow('parent', async () => [await echo(1), (await echo.start(2)).workflowId]);
const failing = workflow('failing', async () => {
  await step.run('fail', () => {
    throw new RangeError('no');
  });
});
const endless = workflow('endless', async () => await sleep('1d'));
const workflows = [echo, parent, failing, endless];

describe.each(databases)('runs on $name', ({ open }) => {
  it('are found by what they have in common, by an engine and by a client, and each of what is given holds', async () => {
    queue('lines');
    const test = await freshDatabase(open);
    const engine = await launchEngine(test, { workflows });
    const bound = { engine };
    await parent.with({ ...bound, workflowId: 'family', attributes: { tenant: 'acme', vip: true } })();
    await engine.run((await engine.runs.steps('family'))[1]!.startedId!).result();
    await expect(failing.with({ ...bound, workflowId: 'broken', attributes: { tenant: 'b' } })()).rejects.toThrow('no');
    const running = await endless.with({ ...bound, workflowId: 'asleep' }).start();
    await endless.with({ ...bound, workflowId: 'asleep too' }).start();
    await engine.run('asleep too').cancel();
    await expect(engine.run('asleep too').result()).rejects.toMatchObject({ code: 'PERDURE_CANCELLED' });
    await queue('lines')
      .with({ ...bound, workflowId: 'later', delay: '1h' })
      .enqueue(echo, 3);
    const client = await connectClient(test);
    await client.workflow('nobody has it').with({ workflowId: 'unknown' }).start();

    const children = ['family.0', 'family.1'];
    const all = ['family', ...children, 'broken', 'asleep', 'asleep too', 'later', 'unknown'].toSorted();
    const { createdAt } = await running.status();
    const cases: [RunFilter, string[]][] = [
      [{}, all],
      [{ id: ['family', 'broken', 'none'] }, ['broken', 'family']],
      [{ idPrefix: 'family' }, ['family', ...children]],
      [{ name: ['echo', 'parent'] }, ['family', ...children, 'later']],
      [{ status: 'completed' }, ['family', ...children]],
      [{ status: ['failed', 'cancelled', 'dead'] }, ['asleep too', 'broken']],
      [{ status: 'running' }, ['asleep']],
      [{ status: 'delayed' }, ['later']],
      [{ status: ['enqueued', 'blocked'] }, ['unknown']],
      [{ status: ['running', 'failed'] }, ['asleep', 'broken']],
      [{ queue: 'lines' }, ['later']],
      [{ version: endless.definition.version }, ['asleep', 'asleep too']],
      [{ executorId: engine.executorId! }, ['family', ...children, 'broken', 'asleep', 'asleep too']],
      [{ executorId: 'none' }, []],
      [{ parentId: 'family' }, children],
      [{ hasParent: false, name: 'echo' }, ['later']],
      [{ attributes: { tenant: 'acme' } }, ['family']],
      [{ attributes: { tenant: 'acme', vip: false } }, []],
      [{ createdFrom: new Date(createdAt), name: 'endless' }, ['asleep', 'asleep too']],
      [{ createdBefore: new Date(createdAt), name: 'endless' }, []],
      [
        { finishedFrom: new Date(0), finishedBefore: new Date(8.64e15 / 100) },
        ['family', ...children, 'broken', 'asleep too'],
      ],
    ];
    for (const who of [engine, client]) {
      for (const [filter, expected] of cases) {
        const { runs, next } = await who.runs.list(filter);
        expect({ filter, ids: runs.map(({ workflowId }) => workflowId).toSorted() }).toEqual({
          filter,
          ids: expected.toSorted(),
        });
        expect(next).toBeNull();
      }
      expect((await who.runs.list({ id: 'family' })).runs).toEqual([await who.run('family').status()]);
    }
  });

  it('are listed page by page in the order of their making, each once, also while more are made', async () => {
    const engine = await launchEngine(await freshDatabase(open), { workflows: [echo] });
    const ids = Array.from({ length: 23 }, (_, no) => `run ${String(no).padStart(2, '0')}`);
    for (const workflowId of ids) await echo.with({ engine, workflowId }).start(workflowId);
    for (const order of ['newest', 'oldest'] as const) {
      const seen: string[] = [];
      let after: string | undefined;
      do {
        const page = await engine.runs.list(
          { idPrefix: 'run' },
          { limit: 5, order, ...(after !== undefined && { after }) },
        );
        seen.push(...page.runs.map(({ workflowId }) => workflowId));
        after = page.next ?? undefined;
        await echo.with({ engine, workflowId: `later ${order} ${seen.length}` }).start(0);
      } while (after !== undefined);
      expect(seen).toHaveLength(23);
      const byTime = async (workflowId: string) => (await engine.run(workflowId).status()).createdAt;
      const times = await Promise.all(seen.map(byTime));
      expect(times).toEqual(times.toSorted((a, b) => (order === 'newest' ? b - a : a - b)));
      expect(new Set(seen)).toEqual(new Set(ids));
    }
  });

  it('that did not complete are listed page by page, in whatever way they ended', async () => {
    queue('impatient', { maxWait: 10 });
    const atOnce = workflow('at once', async () => {
      throw new RangeError('no');
    });
    const test = await freshDatabase(open);
    const engine = await launchEngine(test, { workflows: [...workflows, atOnce], poll: '50ms' });
    const client = await connectClient(test);
    const fails = async (result: Promise<unknown>): Promise<void> => await expect(result).rejects.toThrow();
    const unknown = client.workflow('nobody has it');
    for (const no of [1, 2]) {
      await fails(atOnce.with({ engine, workflowId: `at once ${no}` })());
      await fails(failing.with({ engine, workflowId: `after a step ${no}` })());
      await fails((await unknown.with({ queue: 'impatient', workflowId: `after waiting ${no}` }).start()).result());

      const restored = `restored ${no}`;
      await fails(failing.with({ engine, workflowId: restored })());
      const archive = await engine.runs.export(restored);
      await engine.runs.delete(restored);
      await engine.runs.import(archive);

      await (await unknown.with({ workflowId: `unbegun ${no}` }).start()).cancel();
    }
    const ways = { failed: ['after a step', 'after waiting', 'at once', 'restored'], cancelled: ['unbegun'] };
    for (const [status, expected] of Object.entries(ways) as ['failed' | 'cancelled', string[]][]) {
      const seen: string[] = [];
      for (let after: string | null | undefined; after !== null;) {
        const page = await client.runs.list({ status }, { limit: 1, ...(after !== undefined && { after }) });
        seen.push(...page.runs.map(({ workflowId }) => workflowId));
        after = page.next;
      }
      expect(seen.toSorted()).toEqual(expected.flatMap((way) => [`${way} 1`, `${way} 2`]));
    }
  });

  it('are counted by status, name, queue, version and stretches of time', async () => {
    const test = await freshDatabase(open);
    const engine = await launchEngine(test, { workflows });
    queue('counted');
    await echo.with({ engine })(1);
    await queue('counted')
      .with({ engine })
      .enqueue(echo, 2)
      .then((run) => run.result());
    await failing
      .with({ engine })()
      .catch(() => {});
    const counts = async (...by: ('status' | 'name' | 'queue' | 'version' | 'createdAt')[]) =>
      (await engine.runs.count({}, { by, bucket: '1d' })).map(({ count, firstAt, lastAt, longestMs, ...group }) => {
        expect(firstAt).toBeLessThanOrEqual(lastAt);
        expect(longestMs).toBeGreaterThanOrEqual(0);
        return [count, ...Object.values(group)];
      });
    expect(await counts()).toEqual([[3]]);
    expect(await counts('status', 'name')).toEqual([
      [2, 'completed', 'echo'],
      [1, 'failed', 'failing'],
    ]);
    expect(await counts('queue')).toEqual([
      [2, null],
      [1, 'counted'],
    ]);
    expect(await counts('version')).toEqual([
      [2, echo.definition.version],
      [1, failing.definition.version],
    ]);
    const days = await engine.runs.count({ name: 'echo' }, { by: ['createdAt'], bucket: '1d' });
    for (const { createdAt } of days) expect(createdAt! % 86_400_000).toBe(0);
    expect(await engine.runs.count({ name: 'none' })).toEqual([]);
    // Stretches of time come in their order, and not by how many there are.
    const { schema } = test;
    await test.administer(`update "${schema}".runs set created_at = '2026-01-02'; update "${schema}".runs
      set created_at = '2026-01-01' where name = 'failing'`);
    expect((await counts('createdAt')).map(([count]) => count)).toEqual([1, 2]);
  });

  it('tell their steps with their tries, times, results and the runs that they started', async () => {
    let tries = 0;
    const flaky = step(
      'flaky',
      () => {
        tries += 1;
        if (tries < 3) throw new TypeError(`try ${tries}`);
        return 'at last';
      },
      { retries: 5, backoff: { initial: '1ms' } },
    );
    const told = workflow('told', async () => {
      const result = await flaky();
      const child = await echo.start(result);
      await step.run('bad', () => Promise.reject(new RangeError('bad'))).catch(() => {});
      await sleep('1d');
      return child.workflowId;
    });
    const engine = await launchEngine(await freshDatabase(open), { workflows: [told, echo] });
    await told.with({ engine, workflowId: 'told' }).start();
    await expect.poll(async () => (await engine.runs.steps('told')).length).toBe(4);
    const steps = await engine.runs.steps('told');
    expect(steps).toMatchObject([
      { step: 0, kind: 'step', name: 'flaky', status: 'completed', value: 'at last', failedTries: [{}, {}] },
      { step: 1, kind: 'start', name: 'echo', status: 'completed', startedId: 'told.0' },
      {
        step: 2,
        kind: 'step',
        name: 'bad',
        status: 'failed',
        error: expect.objectContaining({ name: 'RangeError', message: 'bad' }),
      },
      { step: 3, kind: 'sleep', status: 'open', finishedAt: null },
    ]);
    expect(steps[0]!.failedTries.map(({ error }) => String(error))).toEqual(['TypeError: try 1', 'TypeError: try 2']);
    expect(steps[0]!.failedTries[1]!.startedAt).toBeGreaterThanOrEqual(steps[0]!.startedAt);
    expect(steps[0]!.finishedAt).toBeGreaterThanOrEqual(steps[0]!.failedTries[1]!.failedAt);
    expect(await engine.runs.steps('told', { after: 1, limit: 1 })).toEqual([steps[2]]);
    await engine.runs.cancel('told');
    await expect(engine.run('told').result()).rejects.toMatchObject({ code: 'PERDURE_CANCELLED' });
    await engine.run('told.0').result();
    const { runs } = await engine.runs.list({ parentId: 'told' });
    expect(runs.map(({ workflowId }) => workflowId)).toEqual(['told.0']);
    expect(await engine.runs.get('told.0')).toMatchObject({
      input: ['at last'],
      result: 'at last',
      status: 'completed',
    });
    expect(await engine.runs.get('told')).toMatchObject({
      error: expect.objectContaining({ code: 'PERDURE_CANCELLED' }),
    });
    await expect(engine.runs.steps('none')).rejects.toMatchObject({ code: 'PERDURE_RUN_NOT_FOUND' });
    await expect(engine.runs.get('none')).rejects.toMatchObject({ code: 'PERDURE_RUN_NOT_FOUND' });
  });

  it('are found by attributes as they are now: set at the start, changed and taken away later', async () => {
    const test = await freshDatabase(open);
    const engine = await launchEngine(test, { workflows });
    const client = await connectClient(test);
    await endless.with({ engine, workflowId: 'a', attributes: { tenant: 'acme', tries: 1 } }).start();
    await client.runs.setAttributes('a', { tries: null, stage: 'paid', vip: true });
    expect(await engine.run('a').status()).toMatchObject({ attributes: { tenant: 'acme', stage: 'paid', vip: true } });
    const found = async (attributes: NonNullable<RunFilter['attributes']>) =>
      (await engine.runs.list({ attributes })).runs.length;
    expect([await found({ stage: 'paid' }), await found({ tries: 1 }), await found({ vip: true })]).toEqual([1, 0, 1]);
    const setting = workflow('setting', async () => {
      await step.run('set', () => engine.runs.setAttributes('b', { by: 'itself' }));
    });
    const other = await launchEngine({ ...test, database: await test.reopen() }, { workflows: [setting] });
    await setting.with({ engine: other, workflowId: 'b' })();
    expect(await found({ by: 'itself' })).toBe(1);
    await expect(client.runs.setAttributes('none', { a: 1 })).rejects.toMatchObject({ code: 'PERDURE_RUN_NOT_FOUND' });
    for (const attributes of [{ a: {} }, { a: Number.NaN }, { '': 1 }, { a: 'x'.repeat(9_000) }, []] as never[]) {
      await expect(endless.with({ engine, attributes }).start()).rejects.toMatchObject({
        code: 'PERDURE_INVALID_ARGUMENT',
      });
      await expect(client.runs.setAttributes('a', attributes)).rejects.toMatchObject({
        code: 'PERDURE_INVALID_ARGUMENT',
      });
    }
  });

  it('of a schedule are found by its name', async () => {
    const engine = await launchEngine(await freshDatabase(open), { workflows: [echo] });
    await engine.schedules.set('hourly', { timing: { cron: '0 * * * *' }, workflow: echo });
    await echo.with({ engine, workflowId: 'hourlyish' })(1);
    const workflowId = await engine.schedules.trigger('hourly');
    const { runs } = await engine.runs.list({ schedule: 'hourly' });
    expect(runs.map((run) => run.workflowId)).toEqual([workflowId]);
  });

  it('are not asked for with what is no filter, no page and no order', async () => {
    const { runs } = await launchEngine(await freshDatabase(open), { workflows: [echo] });
    const filters = [
      { statuses: 'failed' },
      { status: 'broken' },
      { createdFrom: 1 },
      { name: 1 },
      { idPrefix: 'a', schedule: 'b' },
    ];
    for (const filter of filters as unknown as RunFilter[]) {
      await expect(runs.list(filter)).rejects.toMatchObject({ code: 'PERDURE_INVALID_ARGUMENT' });
    }
    const pages = [{ limit: 0 }, { limit: 1_001 }, { after: 'nowhere' }, { order: 'best' as never }];
    for (const page of pages)
      await expect(runs.list({}, page)).rejects.toMatchObject({ code: 'PERDURE_INVALID_ARGUMENT' });
    for (const options of [{ by: ['status', 'status'] }, { by: ['colour'] }, { bucket: 0 }] as never[]) {
      await expect(runs.count({}, options)).rejects.toMatchObject({ code: 'PERDURE_INVALID_ARGUMENT' });
    }
    await expect(runs.cancel({})).rejects.toMatchObject({ code: 'PERDURE_INVALID_ARGUMENT' });
    await expect(runs.delete({ name: 'x' }, { limit: 0 })).rejects.toMatchObject({ code: 'PERDURE_INVALID_ARGUMENT' });
  });
});
