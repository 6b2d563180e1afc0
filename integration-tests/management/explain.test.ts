import {
  type Explanation,
  getEvent,
  type Perdure,
  queue,
  receive,
  setEvent,
  sleep,
  step,
  workflow,
} from '@perdure/core';
import { crash, type Row, type Statement } from '@perdure/core/internal';
import { describe, expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { connectClient, freshDatabase, launchEngine, testEngine } from '../support/engines.js';
import { passOn } from '../support/pass-on.js';

const fine = workflow('fine', async () => await step.run('fine', () => 1));
const endless = workflow('endless', async () => await receive('never'));
const failing = workflow('failing', async () => await step.run('fail', () => Promise.reject(new RangeError('no'))));

/** Waits until a run has come to where it is to be. */
async function explained(
  { runs }: Pick<Perdure, 'runs'>,
  workflowId: string,
  reason: Explanation['reason'],
): Promise<Explanation> {
  await expect.poll(async () => (await runs.explain(workflowId)).reason).toBe(reason);
  return await runs.explain(workflowId);
}

describe.each(databases)('explain on $name says of a run', ({ open }) => {
  it('that has ended how it did, and what can be done about it', async () => {
    const late = workflow('late', async () => await sleep('1d'), { timeout: '1ms' });
    const told = workflow('told', async () => await sleep('1d'), { timeout: '1ms', onCancel: 'throw' });
    const lines = queue('explained ends');
    const engine = await launchEngine(await freshDatabase(open), { workflows: [fine, endless, failing, late, told] });
    await fine.with({ engine, workflowId: 'fine' })();
    for (const [work, workflowId] of [
      [failing, 'it fails'],
      [late, 'late'],
      [told, 'told'],
    ] as const) {
      await work
        .with({ engine, workflowId })()
        .catch(() => {});
    }
    await lines.with({ engine, workflowId: 'letter' }).enqueue(failing);
    await engine
      .run('letter')
      .result()
      .catch(() => {});
    await endless.with({ engine, workflowId: 'cancelled' }).start();
    await engine.runs.cancel('cancelled');
    expect(await engine.runs.explain('fine')).toMatchObject({
      reason: 'completed',
      status: 'completed',
      command: null,
      dueTo: null,
    });
    expect(await engine.runs.explain('it fails')).toMatchObject({
      reason: 'failed',
      message: expect.stringContaining('RangeError: no'),
      command: "perdure fork 'it fails' --from failed",
    });
    expect(await engine.runs.explain('letter')).toMatchObject({
      reason: 'failed',
      command: "perdure redrive 'explained ends' letter",
    });
    expect(await engine.runs.explain('late')).toMatchObject({ reason: 'timed-out', command: 'perdure resume late' });
    expect(await engine.runs.explain('told')).toMatchObject({ reason: 'timed-out', command: 'perdure restart told' });
    expect(await explained(engine, 'cancelled', 'cancelled')).toMatchObject({ command: 'perdure resume cancelled' });
    await expect(engine.runs.explain('none')).rejects.toMatchObject({ code: 'PERDURE_RUN_NOT_FOUND' });
  });

  it('that executes what it does, what it tries again and since when, and that it was asked to stop', async () => {
    const forever = new Promise<never>(() => {});
    const busy = workflow('busy', async () => {
      await step.run('quick', () => 1);
      await step.run('slow', () => forever);
    });
    const trying = workflow('trying', async () => {
      await step.run('flaky', () => Promise.reject(new RangeError('no luck')), {
        retries: 3,
        backoff: { initial: '1d', max: '1d' },
      });
    });
    const afresh = workflow('afresh', () => Promise.reject(new Error('again')), {
      retries: 1,
      backoff: { initial: '1d', max: '1d' },
    });
    const undoing = workflow(
      'undoing',
      async () => {
        try {
          await sleep('1d');
        } finally {
          await step.run('undo', () => forever);
        }
      },
      { onCancel: 'throw' },
    );
    const engine = await launchEngine(await freshDatabase(open), { workflows: [busy, trying, afresh, undoing] });
    for (const work of [busy, trying, afresh, undoing])
      await work.with({ engine, workflowId: work.definition.name }).start();
    await expect.poll(async () => (await engine.runs.explain('busy')).message).toContain('#0 "quick"');
    expect(await engine.runs.explain('busy')).toMatchObject({
      reason: 'executing',
      facts: { executor: { executorId: engine.executorId } },
    });
    const retry = await explained(engine, 'trying', 'step-retry');
    expect(retry.message).toMatch(/Step #0 "flaky" has failed 1 times, last with RangeError: no luck/);
    expect(retry.until! - retry.since!).toBeGreaterThan(3_600_000);
    expect(await explained(engine, 'afresh', 'workflow-retry')).toMatchObject({
      until: expect.any(Number),
      command: null,
    });
    await explained(engine, 'undoing', 'sleeping');
    await engine.runs.cancel('undoing');
    await explained(engine, 'undoing', 'cancelling');
  });

  it('that waits for a time, a message, a child or an event what it is and until when, down to the last cause', async () => {
    const child = workflow('child', async () => await receive('approval', { timeout: '7d' }));
    const parent = workflow('parent', async () => await child());
    const watching = workflow('watching', async () => await getEvent<string>('parent', 'stage'));
    const sleeping = workflow('sleeping', async () => await sleep('1d'));
    const workflows = [child, parent, watching, sleeping, endless];
    const engine = await launchEngine(await freshDatabase(open), { workflows, parkAfter: '100ms' });
    for (const work of [parent, watching, sleeping, endless]) {
      await work.with({ engine, workflowId: work.definition.name }).start();
    }
    const asleep = await explained(engine, 'sleeping', 'sleeping');
    expect(asleep.until! - asleep.since!).toBe(86_400_000);
    expect(await explained(engine, 'endless', 'waiting-for-message')).toMatchObject({
      until: null,
      facts: { topics: ['never'] },
    });
    const waiting = await explained(engine, 'parent', 'waiting-for-run');
    expect(waiting).toMatchObject({
      command: 'perdure explain parent.0',
      dueTo: { workflowId: 'parent.0', reason: 'waiting-for-message' },
    });
    expect(waiting.dueTo!.until! - waiting.dueTo!.since!).toBe(7 * 86_400_000);
    expect(await explained(engine, 'watching', 'waiting-for-event')).toMatchObject({
      message: expect.stringContaining('"stage"'),
      dueTo: { workflowId: 'parent', dueTo: { workflowId: 'parent.0' } },
    });
  });

  it('that stands in line which limit holds it up, who has its place, and when a window opens', async () => {
    const one = { limit: 1, per: '1d' };
    const lines = {
      full: queue('full', { concurrency: 1 }),
      workers: queue('workers', { workerConcurrency: 1 }),
      rated: queue('rated', { rateLimit: one }),
      keyed: queue('keyed', { perKey: { concurrency: 1 } }),
      keyRated: queue('key rated', { perKey: { rateLimit: one } }),
      wide: queue('wide', { rateLimit: { limit: 10, per: '1d' } }),
      paused: queue('paused'),
    };
    const test = await freshDatabase(open);
    const engine = await launchEngine(test, { workflows: [endless] });
    await lines.paused.with({ engine, workflowId: 'delayed', delay: '1d' }).enqueue(endless);
    await engine.queues.pause('paused');
    await lines.paused.with({ engine, workflowId: 'paused' }).enqueue(endless);
    for (const [name, line] of Object.entries(lines)) {
      if (name === 'paused' || name === 'wide') continue;
      for (const no of [1, 2]) await line.with({ engine, workflowId: `${name} ${no}`, key: 'k' }).enqueue(endless);
    }
    for (const [no, units] of [5, 8, 2].entries()) {
      await lines.wide.with({ engine, workflowId: `wide ${no + 1}`, units }).enqueue(endless);
    }
    expect(await explained(engine, 'delayed', 'delayed')).toMatchObject({
      status: 'delayed',
      command: 'perdure resume delayed',
    });
    expect(await explained(engine, 'paused', 'queue-paused')).toMatchObject({
      command: 'perdure queues resume paused',
    });
    expect(await explained(engine, 'full 2', 'queue-full')).toMatchObject({
      message: expect.stringMatching(new RegExp(`Held by run "full 1" on .*${engine.executorId!}`)),
      command: 'perdure queues change full --concurrency 2',
      dueTo: { workflowId: 'full 1' },
    });
    expect(await explained(engine, 'workers 2', 'workers-full')).toMatchObject({ dueTo: { workflowId: 'workers 1' } });
    expect(await explained(engine, 'keyed 2', 'key-full')).toMatchObject({ dueTo: { workflowId: 'keyed 1' } });
    for (const [id, reason] of [
      ['rated 2', 'queue-rate'],
      ['keyRated 2', 'key-rate'],
    ] as const) {
      const { until, since } = await explained(engine, id, reason);
      expect(until! - since!).toBeGreaterThan(86_000_000);
    }
    // Eight units have to wait for their turn, and nobody passes them by.
    await explained(engine, 'wide 2', 'queue-rate');
    expect(await explained(engine, 'wide 3', 'behind-others')).toMatchObject({ facts: { ahead: 1 } });
    await test.administer(`delete from "${test.schema}".queues where name = 'paused'`);
    await explained(engine, 'paused', 'queue-unknown');
  });

  it('that nobody takes whether nobody lives, nobody has its code, or its code has changed', async () => {
    const test = await freshDatabase(open);
    const build = (name: string) =>
      workflow(
        'changing',
        async () => {
          await step.run(name, () => 1);
          return await receive('go');
        },
        { version: '1' },
      );
    const before = await launchEngine(test, { workflows: [build('old')] });
    const client = await connectClient({ ...test, database: await test.reopen() });
    await build('old').with({ engine: before, workflowId: 'changed' }).start();
    await expect.poll(async () => (await client.runs.steps('changed')).length).toBe(1);
    await client.workflow('unknown').with({ workflowId: 'unknown' }).start();
    expect(await explained(client, 'unknown', 'code-missing')).toMatchObject({
      message: expect.stringContaining('the workflow "unknown", which no process that lives has.'),
      command: "perdure worker '<module>'",
    });
    await before.shutdown();
    expect(await explained(client, 'unknown', 'no-executor')).toMatchObject({ command: "perdure worker '<module>'" });
    await explained(client, 'changed', 'no-executor');
    await launchEngine({ ...test, database: await test.reopen() }, { workflows: [build('new')] });
    expect(await explained(client, 'changed', 'blocked')).toMatchObject({
      message: expect.stringContaining('step "old"'),
      status: 'blocked',
    });
  });

  it('whose version nobody has that it is so, in a queue and outside, and which version is promoted that nobody has', async () => {
    const build = (version: string) => workflow('versioned', async () => await receive('go'), { version });
    const [old, late] = [build('1'), build('2')];
    const test = await freshDatabase(open);
    queue('versions');
    const strict = queue('strict', { perKey: { concurrency: 1 } });
    const before = await launchEngine(test, { workflows: [old], queues: [] });
    await old.with({ engine: before, workflowId: 'begun' }).start();
    await old.with({ engine: before, workflowId: 'queued', queue: 'versions' }).start();
    await strict.with({ engine: before, workflowId: 'head', key: 'k' }).enqueue(old);
    await before.shutdown({ drainMs: 0 });
    const engine = await launchEngine({ ...test, database: await test.reopen() }, { workflows: [late] });
    const missing = {
      message: 'It needs version "1" of the workflow "versioned", which no process that lives has: there is "2".',
      command: "perdure check '<module>' --adopt",
      facts: { version: '1', served: ['2'] },
    };
    expect(await explained(engine, 'begun', 'code-missing')).toMatchObject(missing);
    expect(await explained(engine, 'queued', 'code-missing')).toMatchObject(missing);

    // Only what somebody can take is before it, but where runs go one after the other.
    await strict.with({ engine, workflowId: 'behind', key: 'k' }).enqueue(late);
    expect(await explained(engine, 'behind', 'behind-others')).toMatchObject({
      command: 'perdure explain head',
      dueTo: { workflowId: 'head', reason: 'code-missing' },
    });
    await engine.queues.pause('versions');
    await late.with({ engine, workflowId: 'paused', queue: 'versions' }).start();
    await explained(engine, 'paused', 'queue-paused');

    await engine.versions.promote('versioned', '1');
    await engine.workflow('versioned').with({ workflowId: 'by name' }).start();
    expect(await explained(engine, 'by name', 'version-not-promoted')).toMatchObject({
      message: expect.stringMatching(/only version "1" takes new work, .* no process that lives has it. There is "2"/),
      command: 'perdure versions promote versioned 2',
    });
    await engine.versions.promote('versioned', '2');
    await explained(engine, 'by name', 'executing');
  });

  it('whose code a process has that does not serve its queue that none takes it', async () => {
    queue('unserved');
    const engine = await launchEngine(await freshDatabase(open), { workflows: [endless], queues: [] });
    await endless.with({ engine, workflowId: 'w', queue: 'unserved' }).start();
    expect(await explained(engine, 'w', 'not-taken')).toMatchObject({
      message: expect.stringContaining('they don\'t serve the queue "unserved", or are full'),
      facts: { executorsWithCode: 1 },
    });
  });

  it('whose process is gone that another one takes it over, or that there is none', async () => {
    const test = await freshDatabase(open);
    const engine = await launchEngine(test, { workflows: [endless], lease: '300ms' });
    const client = await connectClient({ ...test, database: await test.reopen() });
    await endless.with({ engine, workflowId: 'left' }).start();
    await engine[crash]();
    expect(await explained(client, 'left', 'owner-gone')).toMatchObject({
      status: 'running',
      message: expect.stringContaining('has not renewed its lease'),
      advice: expect.stringContaining('Start one'),
    });
  });

  it('that processes die under when it is tried again, and that it was given up', async () => {
    let begun = 0;
    const deadly = workflow('deadly', async () => {
      await step.run('deadly', async () => {
        begun += 1;
        await new Promise<never>(() => {});
      });
    });
    const engine = await testEngine(await freshDatabase(open), { workflows: [deadly], maxCrashes: 2 });
    await deadly.with({ engine: engine.perdure, workflowId: 'd' }).start();
    const reasons = new Set<string>();
    const look = async () => {
      const explanation = await engine.perdure.runs.explain('d');
      reasons.add(explanation.reason);
      return explanation;
    };
    for (let crashes = 1; crashes <= 3; crashes += 1) {
      await expect
        .poll(async () => {
          await look();
          if (begun < crashes) engine.clock.advance(100); // a step that never ends holds the clock
          return begun;
        })
        .toBe(crashes);
      await engine.restart();
    }
    await expect.poll(async () => (await look()).reason).toBe('dead');
    expect(await look()).toMatchObject({ command: 'perdure resume d' });
    expect([...reasons]).toEqual(expect.arrayContaining(['executing', 'backing-off', 'dead']));
  });

  it('whose process cannot write what it does that the database is behind', async () => {
    const test = await freshDatabase(open);
    const state = { isBroken: false };
    const database = {
      ...passOn(test.database),
      query: async <R extends Row>(statement: Statement) => {
        if (state.isBroken && statement.name.includes('flush'))
          throw Object.assign(new Error('no disk'), { code: '53100' });
        return await test.database.query<R>(statement);
      },
    };
    const telling = workflow('telling', async () => {
      await receive('go');
      await setEvent('told', true);
      return await receive('never');
    });
    const engine = await launchEngine({ ...test, database }, { workflows: [telling] });
    await telling.with({ engine, workflowId: 't' }).start();
    state.isBroken = true;
    await engine.send('t', 'go', 1);
    expect(await explained(engine, 't', 'database-behind')).toMatchObject({
      message: expect.stringContaining('does not accept writes'),
    });
    state.isBroken = false;
    expect(await getEvent('t', 'told', { engine })).toBe(true);
  });
});
