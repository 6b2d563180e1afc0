import { currentRun, type Perdure, queue, sleep, step, workflow } from '@perdure/core';
import { describe, expect, it, vi } from 'vitest';
import { databases } from '../support/databases.js';
import { pollIfToldNothing } from '../support/lanes.js';
import { freshDatabase, launchEngine, testEngine } from '../support/engines.js';

const hour = 3_600_000;

/** Bodies that wait until they are let go, and a record of which are inside. */
class Gate {
  readonly inside: string[] = [];
  readonly entered: string[] = [];
  most = 0;
  readonly #held = new Map<string, () => void>();

  async pass(name: string): Promise<void> {
    this.inside.push(name);
    this.entered.push(name);
    this.most = Math.max(this.most, this.inside.length);
    await new Promise<void>((release) => this.#held.set(name, release));
    this.inside.splice(this.inside.indexOf(name), 1);
  }

  async release(name: string): Promise<void> {
    const release = await vi.waitUntil(() => this.#held.get(name));
    release();
    this.#held.delete(name);
  }
}

describe.each(databases)('a queue on $name', ({ open }) => {
  it('runs what is enqueued and gives its result, of workflows and of bare steps', async () => {
    const mails = queue('mails');
    const greet = workflow('greet', async (name: string) => await step.run('write', () => `Hello ${name}`));
    const count = step('count', (text: string) => text.length, { enqueueable: true });
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [greet, count.asWorkflow] });
    const run = await mails.with({ engine: perdure }).enqueue(greet, 'Ada');
    expect(await run.result()).toBe('Hello Ada');
    expect(await run.status()).toMatchObject({ status: 'completed', queue: 'mails', attempt: 1 });
    expect(await (await mails.with({ engine: perdure }).enqueue(count, 'four')).result()).toBe(4);
    expect(await greet.with({ queue: mails, engine: perdure })('Bob')).toBe('Hello Bob');
    expect(await perdure.queues.get('mails')).toMatchObject({ waiting: 0, delayed: 0, running: 0 });
  });

  it('never lets more than its concurrency begin, in two processes together, in the order of enqueuing', async () => {
    const gate = new Gate();
    const narrow = queue('narrow', { concurrency: 2 });
    const work = workflow('work', async (name: string) => await step.run('pass', () => gate.pass(name)));
    const test = await freshDatabase(open);
    const first = await launchEngine(test, { workflows: [work] });
    await launchEngine({ ...test, database: await test.reopen() }, { workflows: [work] });
    const names = ['1', '2', '3', '4', '5', '6'];
    const runs = await narrow.with({ engine: first }).enqueueMany(
      work,
      names.map((name) => [name] as [string]),
    );
    for (const name of names) await gate.release(name);
    await Promise.all(runs.map((run) => run.result()));
    expect(gate.most).toBe(2);
    expect(gate.entered).toEqual(names);
  });

  it('never lets more than its worker concurrency begin in one process', async () => {
    const gate = new Gate();
    const wide = queue('wide', { workerConcurrency: 1 });
    const work = workflow('work', async (name: string) => await step.run('pass', () => gate.pass(name)));
    const test = await freshDatabase(open);
    const first = await launchEngine(test, { workflows: [work] });
    await launchEngine({ ...test, database: await test.reopen() }, { workflows: [work] });
    const runs = await wide.with({ engine: first }).enqueueMany(work, [['a'], ['b'], ['c'], ['d']]);
    await expect.poll(() => gate.inside.toSorted()).toEqual(['a', 'b']);
    expect((await first.queues.get('wide')).waiting).toBe(2);
    for (const name of ['a', 'b', 'c', 'd']) await gate.release(name);
    await Promise.all(runs.map((run) => run.result()));
    expect(gate.most).toBe(2);
  });

  it('runs the items of one key strictly in order, and keys beside each other, within the limit of all', async () => {
    const gate = new Gate();
    const accounts = queue('accounts', { concurrency: 2, perKey: { concurrency: 1 } });
    const work = workflow('work', async (name: string) => await step.run('pass', () => gate.pass(name)));
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [work] });
    const enqueue = async (name: string) => await accounts.with({ key: name[0]!, engine: perdure }).enqueue(work, name);
    await perdure.queues.pause('accounts');
    const runs = [];
    for (const name of ['a1', 'a2', 'a3', 'b1', 'c1']) runs.push(await enqueue(name));
    await perdure.queues.resume('accounts');
    await expect.poll(() => gate.inside).toEqual(['a1', 'b1']);
    await gate.release('a1');
    // The keys take turns: c has not had one yet.
    await expect.poll(() => gate.inside).toEqual(['b1', 'c1']);
    for (const name of ['b1', 'c1', 'a2', 'a3']) await gate.release(name);
    await Promise.all(runs.map((run) => run.result()));
    expect(gate.entered.filter((name) => name.startsWith('a'))).toEqual(['a1', 'a2', 'a3']);
  });

  it('lets keys take turns, however many items one of them has', async () => {
    const order: string[] = [];
    const tenants = queue('tenants', { concurrency: 1 });
    const note = workflow('note', async (name: string) => await step.run('note', () => void order.push(name)));
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [note] });
    await perdure.queues.pause('tenants');
    const runs = [];
    for (const name of ['a1', 'a2', 'a3', 'a4', 'b1', 'b2', 'c1']) {
      runs.push(await tenants.with({ key: name[0]!, engine: perdure }).enqueue(note, name));
    }
    await perdure.queues.resume('tenants');
    await Promise.all(runs.map((run) => run.result()));
    expect(order).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3', 'a4']);
  });

  it('takes the lowest priority first, and what has waited long before what is a little more urgent', async () => {
    const order: string[] = [];
    queue('urgent', { concurrency: 1 });
    queue('patient', { concurrency: 1, ageing: '1m' });
    const note = workflow('note', async (name: string) => await step.run('note', () => void order.push(name)));
    const engine = await testEngine(await freshDatabase(open), { workflows: [note] });
    const { perdure, clock } = engine;
    for (const name of ['urgent', 'patient']) {
      const bound = note.with({ queue: name, engine: perdure });
      await perdure.queues.pause(name);
      const runs = [await bound.with({ priority: 5, queue: name, engine: perdure }).start(`${name} 5`)];
      runs.push(await bound.with({ priority: 1 }).start(`${name} 1`));
      clock.advance(10 * 60_000);
      runs.push(await bound.with({ priority: -1 }).start(`${name} -1`));
      await perdure.queues.resume(name);
      await Promise.all(runs.map((run) => run.result()));
    }
    expect(order).toEqual(['urgent -1', 'urgent 1', 'urgent 5', 'patient 1', 'patient 5', 'patient -1']);
  });

  it('lets no more units begin in a stretch of time than its rate allows, for each key and in all', async () => {
    const begun: { readonly name: string; readonly at: number }[] = [];
    const api = queue('api', {
      rateLimit: { limit: 4, per: '1m' },
      perKey: { rateLimit: { limit: 2, per: '1m' } },
    });
    const test = await freshDatabase(open);
    const note = workflow('note', async (name: string) => {
      await step.run('note', () => void begun.push({ name, at: engine.clock.now() }));
    });
    const engine = await testEngine(test, { workflows: [note] });
    const { perdure } = engine;
    const start = engine.clock.now();
    await perdure.queues.pause('api');
    const runs = [];
    for (const name of ['a1', 'a2', 'a3', 'b1', 'b2', 'b3', 'c1', 'big']) {
      const units = name === 'big' ? 100 : 1;
      runs.push(await api.with({ key: name[0]!, units, engine: perdure }).enqueue(note, name));
    }
    await perdure.queues.resume('api');
    await Promise.all(runs.map((run) => run.result()));
    const minute = (name: string) => Math.floor((begun.find((it) => it.name === name)!.at - start) / 60_000);
    const first = ['a1', 'a2', 'a3', 'b1', 'b2', 'b3', 'c1'].filter((name) => minute(name) === 0);
    expect(first).toHaveLength(4);
    expect(first).not.toContain('a3');
    expect(begun).toHaveLength(8);
  });

  it('waits for a delay and for a moment, and says that a run is delayed', async () => {
    const later = queue('later');
    const at = workflow('at', async () => await step.run('time', () => engine.clock.now()));
    const engine = await testEngine(await freshDatabase(open), { workflows: [at] });
    const { perdure, clock } = engine;
    const start = clock.now();
    const delayed = await later.with({ delay: '2h', engine: perdure }).enqueue(at);
    expect((await delayed.status()).status).toBe('delayed');
    const runAt = new Date(start + 24 * 3_600_000);
    const dated = await later.with({ runAt, engine: perdure }).enqueue(at);
    expect((await delayed.result()) - start).toBeGreaterThanOrEqual(2 * 3_600_000);
    expect(await dated.result()).toBeGreaterThanOrEqual(runAt.getTime());
  });

  it('counts a timeout from when the run begins, not from when it was enqueued', async () => {
    const later = queue('later');
    const quick = workflow('quick', async () => await step.run('quick', () => 'done'), { timeout: '1m' });
    const slow = workflow('slow', async () => await sleep('2m'), { timeout: '1m' });
    const { perdure } = await testEngine(await freshDatabase(open), { workflows: [quick, slow] });
    expect(await (await later.with({ delay: '1h', engine: perdure }).enqueue(quick)).result()).toBe('done');
    const late = await later.with({ delay: '1h', engine: perdure }).enqueue(slow);
    await expect(late.result()).rejects.toMatchObject({ code: 'PERDURE_WORKFLOW_TIMEOUT' });
  });

  it('fails what waits longer than it may', async () => {
    const gate = new Gate();
    const impatient = queue('impatient', { concurrency: 1 });
    const work = workflow('work', async (name: string) => await step.run('pass', () => gate.pass(name)));
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [work] });
    const first = await impatient.with({ engine: perdure }).enqueue(work, '1');
    await expect.poll(() => gate.inside).toEqual(['1']);
    await perdure.queues.change('impatient', { maxWait: '100ms' });
    const second = await impatient.with({ engine: perdure }).enqueue(work, '2');
    await expect(second.result()).rejects.toMatchObject({ code: 'PERDURE_QUEUE_TIMEOUT' });
    await gate.release('1');
    await first.result();
    expect(gate.entered).toEqual(['1']);
  });

  it('changes for those too that wait already how long they may', async () => {
    const echo = workflow('echo', async (text: string) => text);
    const relaxed = queue('relaxed', { maxWait: '1m' });
    const hurried = queue('hurried');
    const { perdure, clock } = await testEngine(await freshDatabase(open), { workflows: [echo] });
    for (const { name } of [relaxed, hurried]) await perdure.queues.pause(name);
    const patient = await relaxed.with({ engine: perdure }).enqueue(echo, 'in time');
    const late = await hurried.with({ engine: perdure }).enqueue(echo, 'late');
    await perdure.queues.change('relaxed', { maxWait: null });
    await perdure.queues.change('hurried', { maxWait: '1m' });
    clock.advance(hour);
    for (const { name } of [relaxed, hurried]) await perdure.queues.resume(name);
    expect(await patient.result()).toBe('in time');
    await expect(late.result()).rejects.toMatchObject({ code: 'PERDURE_QUEUE_TIMEOUT' });
  });

  it('limits no longer how long a run waits that has begun: not once it was blocked, nor when the limit changes', async () => {
    let isOtherCode = false;
    const [a, b] = [step('a', () => 'a'), step('b', () => 'b')];
    const work = workflow('work', async () => (isOtherCode ? [await b(), await a()] : [await a(), await b()]));
    queue('begun', { maxWait: '1m' });
    const { perdure, clock } = await testEngine(await freshDatabase(open), { workflows: [work] });
    await work.with({ engine: perdure, workflowId: 'source' })();
    isOtherCode = true;
    const run = perdure.run((await perdure.runs.fork('source', { from: 1, queue: 'begun' })).workflowId);
    await expect.poll(async () => (await run.status()).status).toBe('blocked');
    isOtherCode = false;
    await perdure.queues.pause('begun');
    await perdure.runs.resume(run.workflowId);
    await perdure.queues.change('begun', { maxWait: '2m' });
    clock.advance(hour);
    await perdure.queues.resume('begun');
    expect(await run.result()).toEqual(['a', 'b']);
  });

  it('lets a deduplication id stand for one unfinished run: rejects, attaches, or gives the latest input', async () => {
    const gate = new Gate();
    const syncs = queue('syncs', { concurrency: 1 });
    const sync = workflow('sync', async (name: string) => await step.run('pass', () => gate.pass(name)));
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [sync] });
    const bound = (policy: 'reject' | 'attach' | 'latest', id: string = policy) =>
      syncs.with({ deduplication: { id, policy }, engine: perdure });

    const first = await bound('reject').enqueue(sync, 'r1');
    await expect(bound('reject').enqueue(sync, 'r2')).rejects.toMatchObject({
      code: 'PERDURE_ITEM_DUPLICATE',
      data: { queue: 'syncs', deduplicationId: 'reject', workflowId: first.workflowId },
    });
    const attached = await bound('attach', 'reject').enqueue(sync, 'r3');
    expect(attached.workflowId).toBe(first.workflowId);
    await gate.release('r1');
    await first.result();
    const again = await bound('reject').enqueue(sync, 'r4');
    expect(again.workflowId).not.toBe(first.workflowId);

    const latest = [];
    for (const name of ['l1', 'l2', 'l3']) latest.push(await bound('latest').enqueue(sync, name));
    expect(new Set(latest.map((run) => run.workflowId)).size).toBe(1);
    await gate.release('r4');
    await expect.poll(() => gate.inside).toEqual(['l3']);
    const behind = await bound('latest').enqueue(sync, 'l4');
    expect(behind.workflowId).not.toBe(latest[0]!.workflowId);
    await gate.release('l3');
    await gate.release('l4');
    await Promise.all([latest[0]!, behind].map((run) => run.result()));
    expect(gate.entered).toEqual(['r1', 'r4', 'l3', 'l4']);
  });

  it('debounces: one run with the last input after a pause, at the latest after the cap', async () => {
    const seen: { readonly text: string; readonly afterMs: number }[] = [];
    const saves = queue('saves', { maxWait: '20s' }); // which counts from when it was put off to
    const save = workflow('save', async (text: string) => {
      await step.run('save', () => void seen.push({ text, afterMs: engine.clock.now() - start }));
    });
    const engine = await testEngine(await freshDatabase(open), { workflows: [save] });
    const start = engine.clock.now();
    const debounced = saves.with({ debounce: { id: 'doc', wait: '10s', max: '25s' }, engine: engine.perdure });
    const ids = new Set<string>();
    for (const text of ['a', 'b', 'c', 'd']) {
      ids.add((await debounced.enqueue(save, text)).workflowId);
      engine.clock.advance(8_000);
    }
    await engine.perdure.run([...ids][0]!).result();
    expect(ids.size).toBe(1);
    expect(seen.map(({ text }) => text)).toEqual(['d']);
    expect(seen[0]!.afterMs).toBeLessThan(34_000);
  });

  it('can be paused, resumed and changed while it runs, for all processes', async () => {
    const gate = new Gate();
    const live = queue('live', { concurrency: 1 });
    const work = workflow('work', async (name: string) => await step.run('pass', () => gate.pass(name)));
    const test = await freshDatabase(open);
    const worker = await launchEngine(test, { workflows: [work] });
    const other = await launchEngine({ ...test, database: await test.reopen() }, { workflows: [], queues: [] });
    await other.queues.pause('live');
    const runs = await live.with({ engine: worker }).enqueueMany(work, [['1'], ['2'], ['3']]);
    expect(await other.queues.get('live')).toMatchObject({ isPaused: true, waiting: 3, running: 0 });
    await other.queues.resume('live');
    await expect.poll(() => gate.inside).toEqual(['1']);
    await other.queues.change('live', { concurrency: 3 });
    await expect.poll(() => gate.inside).toEqual(['1', '2', '3']);
    expect((await worker.queues.get('live')).settings).toEqual({ concurrency: 3 });
    await worker.queues.change('live', { concurrency: null, maxWait: '1h' });
    expect((await worker.queues.get('live')).settings).toEqual({ maxWait: 3_600_000 });
    await worker.queues.reset('live');
    expect((await worker.queues.list()).find(({ name }) => name === 'live')?.settings).toEqual({ concurrency: 1 });
    for (const name of ['1', '2', '3']) await gate.release(name);
    await Promise.all(runs.map((run) => run.result()));
  });

  it('is served only by the processes that are to serve it, which hear of work at once', async () => {
    const ran: string[] = [];
    const gpu = queue('gpu');
    const define = (at: string) =>
      workflow('where', async () => await step.run('note', () => void ran.push(at)), { version: '1' });
    const test = await freshDatabase(open);
    const web = await launchEngine(test, { workflows: [define('web')], queues: ['other'], poll: pollIfToldNothing });
    await launchEngine(
      { ...test, database: await test.reopen() },
      { workflows: [define('worker')], queues: [gpu], poll: pollIfToldNothing },
    );
    const run = await gpu.with({ engine: web }).enqueue(define('worker'));
    await run.result();
    expect(ran).toEqual(['worker']);
  });

  it('frees the place of a run that is cancelled, waiting or running', async () => {
    const gate = new Gate();
    const narrow = queue('narrow', { concurrency: 1 });
    const work = workflow('work', async (name: string) => await step.run('pass', () => gate.pass(name)));
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [work] });
    const [first, second, third] = await narrow.with({ engine: perdure }).enqueueMany(work, [['1'], ['2'], ['3']]);
    await expect.poll(() => gate.inside).toEqual(['1']);
    await second!.cancel();
    await expect(second!.result()).rejects.toMatchObject({ code: 'PERDURE_CANCELLED' });
    await first!.cancel();
    await gate.release('3');
    await third!.result();
    expect(gate.entered).toEqual(['1', '3']);
    expect(await perdure.queues.get('narrow')).toMatchObject({ waiting: 0, running: 0 });
  });

  it('gives the place of a run whose process died to that run again, before those behind it', async () => {
    const order: string[] = [];
    const narrow = queue('narrow', { concurrency: 1 });
    const work = workflow('work', async (name: string) => {
      await step.run('one', () => void order.push(`${name} one`));
      await step.run('two', () => void order.push(`${name} two`));
    });
    const engine = await testEngine(await freshDatabase(open), { workflows: [work] });
    const crashed = engine.crashAfter(1);
    const options = { engine: engine.perdure };
    await engine.perdure.queues.pause('narrow');
    await narrow.with({ ...options, workflowId: 'a' }).enqueue(work, 'a');
    await narrow.with({ ...options, workflowId: 'b' }).enqueue(work, 'b');
    await engine.perdure.queues.resume('narrow');
    await crashed;
    await engine.restart();
    await Promise.all(['a', 'b'].map((id) => engine.perdure.run(id).result()));
    expect(order).toEqual(['a one', 'a two', 'b one', 'b two']);
    expect((await engine.perdure.run('a').status()).attempt).toBe(2);
  });

  it('takes children of workflows, once each, also when the parent is replayed', async () => {
    const ran: string[] = [];
    const pages = queue('pages', { concurrency: 2 });
    const page = workflow('page', async (no: number) => await step.run('read', () => ran.push(`${no}`)));
    const book = workflow('book', async () => {
      const runs = await pages.enqueueMany(page, [[1], [2], [3]]);
      for (const run of runs) await run.result();
      return runs.length;
    });
    const engine = await testEngine(await freshDatabase(open), { workflows: [page, book] });
    const crashed = engine.crashAfter(4);
    await book.with({ workflowId: 'book', engine: engine.perdure }).start();
    await crashed;
    await engine.restart();
    expect(await engine.perdure.run('book').result()).toBe(3);
    expect(new Set(ran)).toEqual(new Set(['1', '2', '3']));
  });

  it('takes the same workflow id once, and refuses it for other work', async () => {
    const mails = queue('mails');
    const echo = workflow('echo', async (text: string) => await step.run('echo', () => text));
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [echo] });
    const bound = mails.with({ workflowId: 'm1', engine: perdure });
    const runs = await Promise.all([bound.enqueue(echo, 'a'), bound.enqueue(echo, 'a')]);
    expect(await Promise.all(runs.map((run) => run.result()))).toEqual(['a', 'a']);
    await expect(bound.enqueue(echo, 'b')).rejects.toMatchObject({ code: 'PERDURE_WORKFLOW_CONFLICT' });
    const unique = bound.with({ deduplication: { id: 'd' } });
    expect(await (await unique.enqueue(echo, 'a')).result()).toBe('a');
    await expect(unique.enqueue(echo, 'b')).rejects.toMatchObject({ code: 'PERDURE_WORKFLOW_CONFLICT' });
  });

  it('refuses hostile limits and options, and a queue that nobody declared', async () => {
    const invalid = { code: 'PERDURE_INVALID_ARGUMENT' };
    const define = (settings: object) => () => queue('hostile', settings);
    for (const value of [0, -1, 1.5, Infinity, NaN, 2 ** 31, '3']) {
      for (const settings of [
        { concurrency: value },
        { workerConcurrency: value },
        { perKey: { concurrency: value } },
        { rateLimit: { limit: value, per: '1s' } },
      ]) {
        expect(define(settings)).toThrow(expect.objectContaining(invalid));
      }
    }
    for (const value of [0, -1, Infinity, NaN, 'soon', '']) {
      for (const settings of [{ rateLimit: { limit: 1, per: value } }, { ageing: value }, { maxWait: value }]) {
        expect(define(settings)).toThrow(expect.objectContaining(invalid));
      }
    }
    for (const name of ['', ' ', 'a\0b', 'x'.repeat(256)])
      expect(() => queue(name)).toThrow(expect.objectContaining(invalid));

    queue('fine');
    const echo = workflow('echo', async (text: string) => text);
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [echo] });
    const refused = async (options: object, code: string) => {
      await expect(echo.with({ queue: 'fine', engine: perdure, ...options }).start('x')).rejects.toMatchObject({
        code,
      });
    };
    for (const options of [
      { priority: 1.5 },
      { priority: Infinity },
      { priority: 2 ** 31 },
      { delay: -1 },
      { delay: Infinity },
      { runAt: new Date(NaN) },
      { delay: 1, runAt: new Date() },
      { units: 0 },
      { units: Infinity },
      { key: '' },
      { key: 'x'.repeat(256) },
      { deduplication: { id: '' } },
      { deduplication: { id: 'a', policy: 'perhaps' } },
      { debounce: { id: 'a', wait: 'soon' } },
      { debounce: { id: 'a', wait: 1 }, deduplication: { id: 'a' } },
      { queue: '' },
      { queue: undefined, priority: 1 },
    ]) {
      await refused(options, 'PERDURE_INVALID_ARGUMENT');
    }
    await refused({ queue: `'; drop table runs; --` }, 'PERDURE_QUEUE_NOT_FOUND');
    await expect(perdure.queues.pause('nowhere')).rejects.toMatchObject({ code: 'PERDURE_QUEUE_NOT_FOUND' });
    await expect(perdure.queues.change('fine', { concurrency: 0 })).rejects.toMatchObject(invalid);
    expect(await echo.with({ queue: 'fine', key: `"'%$1`, engine: perdure })('ok')).toBe('ok');
  });

  it('takes a run that its caller enqueues in a transaction, if and only if that commits', async () => {
    const orders = queue('orders');
    const ship = workflow('ship', async (sku: string) => await step.run('ship', () => sku));
    const test = await freshDatabase(open);
    const perdure = await launchEngine(test, { workflows: [ship] });
    const place = async (sku: string, fails: boolean) =>
      await perdure.within(() =>
        step.transaction('place', async (transaction) => {
          await orders.with({ workflowId: sku, transaction }).enqueue(ship, sku);
          if (fails) throw new Error('no');
        }),
      );
    await expect(place('lost', true)).rejects.toThrow('no');
    await place('kept', false);
    expect(await perdure.run('kept').result()).toBe('kept');
    await expect(perdure.run('lost').status()).rejects.toMatchObject({ code: 'PERDURE_RUN_NOT_FOUND' });
  });

  it('names the run and its queue to whoever asks while it waits', async () => {
    const closed = queue('closed');
    const echo = workflow('echo', async () => currentRun()?.workflowId);
    const perdure: Perdure = await launchEngine(await freshDatabase(open), { workflows: [echo] });
    await perdure.queues.pause('closed');
    const run = await closed.with({ engine: perdure }).enqueue(echo);
    expect(await run.status()).toMatchObject({ status: 'enqueued', queue: 'closed', executorId: null, attempt: 0 });
  });
});
