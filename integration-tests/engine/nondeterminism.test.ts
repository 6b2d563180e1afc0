import { sleep, step, workflow } from '@perdure/core';
import { TestEngine } from '@perdure/testing';
import { describe, expect, it } from 'vitest';
import { laneOptions } from '../support/lanes.js';
import { databases, type TestDatabase } from '../support/databases.js';
import { freshDatabase, testEngine } from '../support/engines.js';

const a = step('a', async () => 1);
const b = step('b', async () => 2);
const c = step('c', async () => 3);

/** Two builds of one workflow, with the version kept by hand. */
const build = (fn: () => Promise<unknown>) => workflow('deployed', fn, { version: '1' });

describe.each(databases)('changed code on $name', ({ open }) => {
  it('is noticed before anything runs, and the message names the calls, versions and remedies', async () => {
    const test = await freshDatabase(open);
    let bodies = 0;
    const before = build(async () => [await a(), await b(), await c()]);
    const after = build(async () => {
      await a();
      await step.run('new', () => (bodies += 1));
      return [await b(), await c()];
    });
    const engine = await crashed(test, before, 2);
    const second = await testEngine(test, { workflows: [after] });
    await untilStatus(second, 'blocked');
    const run = second.perdure.run('d');
    const { blockedReason } = await run.status();
    expect(blockedReason).toMatch(/^Nondeterminism: workflow "deployed" \(d\) left its history at call #1$/m);
    expect(blockedReason).toMatch(/recorded .*: step "b"/);
    expect(blockedReason).toMatch(
      /now \(version "1", code [0-9a-f]+\): step "new", called from .*nondeterminism\.test\.ts:\d+/,
    );
    expect(blockedReason).toMatch(/last call that matched: #0 step "a"/);
    expect(blockedReason).toMatch(/new version/);
    expect(bodies).toBe(0);
    await engine.close();
  });

  it('leaves the run to a process that has the right code', async () => {
    const test = await freshDatabase(open);
    const before = build(async () => [await a(), await b(), await sleep('1h'), await c()]);
    const after = build(async () => [await b(), await a()]);
    const first = await crashed(test, before, 2);
    const wrong = await TestEngine.create({ ...laneOptions, ...test, workflows: [after], logger: silent });
    await untilStatus(wrong, 'blocked');
    await wrong.close();
    const right = await testEngine(test, { workflows: [before] });
    right.clock.advance(120_000);
    expect(await right.perdure.run('d').result()).toEqual([1, 2, null, 3].map((value) => value ?? undefined));
    await first.close();
  });

  it('is noticed when the function ends before it took all recorded results', async () => {
    const test = await freshDatabase(open);
    const before = build(async () => [await a(), await b(), await c()]);
    const after = build(async () => await a());
    const first = await crashed(test, before, 2);
    const second = await testEngine(test, { workflows: [after] });
    await untilStatus(second, 'blocked');
    const run = second.perdure.run('d');
    expect((await run.status()).blockedReason).toMatch(/left its history at its end[^]*not asked for: #1 step "b"/);
    await first.close();
  });

  it('is noticed when the function waits where its history goes on with something else', async () => {
    const test = await freshDatabase(open);
    let bOver = (): void => {};
    const bIsOver = new Promise<void>((resolve) => (bOver = resolve));
    const slow = () => step.run('slow', () => bIsOver.then(() => 1));
    const quick = () => step.run('quick', () => 2);
    const before = build(async () => {
      await Promise.all([slow(), quick().then(bOver)]);
      return await c();
    });
    const after = build(async () => [await slow(), await quick(), await c()]);
    const first = await crashed(test, before, 2);
    const second = await testEngine(test, { workflows: [after] });
    await untilStatus(second, 'blocked');
    const { blockedReason } = await second.perdure.run('d').status();
    expect(blockedReason).toMatch(/left its history before #1 step "quick"[^]*the function waits for something else/);
    await first.close();
  });

  it('has another version without one given, and is not given the runs of the old code', async () => {
    const test = await freshDatabase(open);
    const before = workflow('deployed', async () => [await a(), await b(), await c()]);
    const after = workflow('deployed', async () => [await c(), await b(), await a()]);
    expect(before.definition.version).not.toBe(after.definition.version);
    const first = await crashed(test, before, 2);
    const second = await TestEngine.create({
      ...laneOptions,
      ...test,
      workflows: [after],
      logger: silent,
    });
    await untilStatus(second, 'enqueued');
    expect(await after.with({ engine: second.perdure })()).toEqual([3, 2, 1]);
    expect((await second.perdure.run('d').status()).status).toBe('enqueued');
    await second.close();
    const third = await testEngine(test, { workflows: [before] });
    third.clock.advance(120_000);
    expect(await third.perdure.run('d').result()).toEqual([1, 2, 3]);
    await first.close();
  });
});

/** Starts run `d` and stops the engine dead after so many checkpoints. */
async function crashed(
  test: TestDatabase,
  definition: ReturnType<typeof build>,
  checkpoints: number,
): Promise<TestEngine> {
  const engine = await TestEngine.create({ ...laneOptions, ...test, workflows: [definition], logger: silent });
  const dead = engine.crashAfter(checkpoints);
  await definition.with({ workflowId: 'd', engine: engine.perdure }).start();
  await dead;
  return engine;
}

/** Lets time go by until another engine has taken the run and got that far with it, and slowly enough for its heartbeats. */
async function untilStatus(engine: TestEngine, status: string): Promise<void> {
  const run = engine.perdure.run('d');
  const seen = async (): Promise<string> => {
    engine.clock.advance(2_000);
    return (await run.status()).status;
  };
  await expect.poll(seen).toBe(status);
}

const silent = { debug() {}, info() {}, warn() {}, error() {} };
