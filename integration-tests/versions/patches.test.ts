import { deprecatePatch, patched, step, workflow } from '@perdure/core';
import { TestEngine } from '@perdure/testing';
import { describe, expect, it } from 'vitest';
import { databases, type TestDatabase } from '../support/databases.js';
import { freshDatabase, testEngine } from '../support/engines.js';
import { laneOptions } from '../support/lanes.js';

const a = step('a', async () => 'a');
const b = step('b', async () => 'b');
const c = step('c', async () => 'c');
const added = step('added', async () => 'added');

/** Two builds of one workflow, which stand for the same version. */
const build = (fn: () => Promise<unknown>) => workflow('patched workflow', fn, { version: '1' });
const old = build(async () => [await a(), await b(), await c()]);

/** The old code with one more step before its first one, after that, or after its last one. */
const changes = {
  first: build(async () => {
    const more = patched('more') ? [await added()] : [];
    return [...more, await a(), await b(), await c()];
  }),
  middle: build(async () => {
    const before = await a();
    const more = patched('more') ? [await added()] : [];
    return [before, ...more, await b(), await c()];
  }),
  last: build(async () => {
    const before = [await a(), await b(), await c()];
    return patched('more') ? [...before, await added()] : before;
  }),
};
const oldWay = ['a', 'b', 'c'];
const newWay = {
  first: ['added', 'a', 'b', 'c'],
  middle: ['a', 'added', 'b', 'c'],
  last: ['a', 'b', 'c', 'added'],
};
/** The checkpoint of the step before the place. */
const lastBefore = { first: 0, middle: 1, last: 3 };
const places = ['first', 'middle', 'last'] as const;

describe.each(databases)('a patch on $name', ({ open }) => {
  it.each(places)('at the %s step is for new runs, which remember it in every replay', async (place) => {
    const test = await freshDatabase(open);
    for (const crashAt of [lastBefore[place], lastBefore[place] + 1, 4].filter((point) => point > 0)) {
      const run = await deployed(test, { before: changes[place], crashAt, after: changes[place] });
      // What comes before the patch is stored, and the patch is not: no replay can tell which code was there.
      const isLost = crashAt === lastBefore[place];
      expect(run.result).toEqual(isLost ? oldWay : newWay[place]);
      expect(run.patches).toEqual(isLost ? [] : ['more']);
    }
  });

  it.each([
    ['first', 1, oldWay],
    ['first', 2, oldWay],
    ['middle', 1, oldWay],
    ['middle', 2, oldWay],
    ['last', 1, newWay.last],
    ['last', 2, newWay.last],
    ['last', 3, oldWay],
  ] as const)(
    'at the %s step is only for the runs that no older code has led past it: not after step %i',
    async (place, crashAt, expected) => {
      const test = await freshDatabase(open);
      const run = await deployed(test, { before: old, crashAt, after: changes[place] });
      expect(run.result).toEqual(expected);
      expect(run.patches).toEqual(expected === oldWay ? [] : ['more']);
    },
  );

  it('can be followed by another one at the same place', async () => {
    const test = await freshDatabase(open);
    const after = build(async () => {
      const before = await a();
      if (patched('much more')) return [before, await added(), await added()];
      const more = patched('more') ? [await added()] : [];
      return [before, ...more, await b(), await c()];
    });
    for (const crashAt of [1]) {
      const before = await deployed(test, { before: old, crashAt, after });
      expect([before.result, before.patches]).toEqual([oldWay, []]);
    }
    for (const crashAt of [2, 3]) {
      const between = await deployed(test, { before: changes.middle, crashAt, after });
      expect([between.result, between.patches]).toEqual([newWay.middle, ['more']]);
    }
    const fresh = await deployed(test, { before: after, crashAt: 3, after });
    expect([fresh.result, fresh.patches]).toEqual([['a', 'added', 'added'], ['much more']]);
  });

  it('is answered the same at all places of one run', async () => {
    const test = await freshDatabase(open);
    const after = build(async () => {
      const ways: boolean[] = [];
      for (const one of [a, b, c]) {
        await one();
        ways.push(patched('more'));
      }
      return ways;
    });
    expect((await deployed(test, { before: old, crashAt: 1, after })).result).toEqual([false, false, false]);
    expect((await deployed(test, { before: after, crashAt: 2, after })).result).toEqual([true, true, true]);
  });

  it('is told the same in each replay beside steps that run at the same time', async () => {
    const test = await freshDatabase(open);
    const chains = build(async () => {
      const chain = async (id: string): Promise<string> => {
        await a();
        const way = patched(id) ? await added() : 'old';
        return `${way} ${await b()}`;
      };
      return await Promise.all([chain('one'), chain('two'), chain('one')]);
    });
    for (const crashAt of [2, 5, 7]) {
      const { result, patches } = await deployed(test, { before: chains, crashAt, after: chains });
      const way = (id: string): string => `${patches.includes(id) ? 'added' : 'old'} b`;
      expect(result).toEqual([way('one'), way('two'), way('one')]);
    }
  });

  it('can be deprecated, and be gone when no run remembers it', async () => {
    const test = await freshDatabase(open);
    const deprecating = build(async () => {
      const before = await a();
      deprecatePatch('more');
      return [before, await added(), await b(), await c()];
    });
    const gone = build(async () => [await a(), await added(), await b(), await c()]);
    for (const crashAt of [2, 3]) {
      const run = await deployed(test, { before: changes.middle, crashAt, after: deprecating });
      expect([run.result, run.patches]).toEqual([newWay.middle, ['more']]);
    }
    const run = await deployed(test, { before: deprecating, crashAt: 2, after: gone });
    expect([run.result, run.patches]).toEqual([newWay.middle, []]);
    const tooEarly = await deployed(test, { before: changes.middle, crashAt: 3, after: gone });
    expect(tooEarly.blockedReason).toMatch(/before patch "more"[^]*deprecatePatch\("more"\)/);
  });

  it.each([
    ['first', 1],
    ['middle', 2],
    ['last', 4],
  ] as const)('at the %s step, older code sets the run aside and says why', async (place, crashAt) => {
    const test = await freshDatabase(open);
    const run = await deployed(test, { before: changes[place], crashAt, after: old });
    expect(run.blockedReason).toMatch(
      /^Nondeterminism: workflow "patched workflow" [^]*recorded and not asked for: patch "more"[^]*keep patched\("more"\)/,
    );
  });

  it('is not asked for in a step, and is taken outside a workflow', async () => {
    const test = await freshDatabase(open);
    const asking = workflow('asking in a step', async () => await step.run('ask', () => patched('more')));
    expect(patched('more')).toBe(true);
    deprecatePatch('more');
    expect(() => patched('')).toThrow(/name of a patch/);
    const engine = await testEngine(test, { workflows: [asking] });
    await expect(asking.with({ engine: engine.perdure })()).rejects.toMatchObject({ code: 'PERDURE_INVALID_ARGUMENT' });
  });
});

interface Deploy {
  readonly before: ReturnType<typeof build>;
  /** The checkpoint after which the process with the code before dies. */
  readonly crashAt: number;
  readonly after: ReturnType<typeof build>;
}

/** What becomes of a run whose process dies, and that another build goes on with. */
async function deployed(
  test: TestDatabase,
  { before, crashAt, after }: Deploy,
): Promise<{ readonly result: unknown; readonly blockedReason: string | null; readonly patches: readonly string[] }> {
  const workflowId = `run ${++runs}`;
  const first = await TestEngine.create({ ...laneOptions, ...test, workflows: [before], logger: silent });
  const dead = first.crashAfter(crashAt);
  await before.with({ workflowId, engine: first.perdure }).start();
  await dead;
  const second = await TestEngine.create({ ...laneOptions, ...test, workflows: [after], logger: silent });
  try {
    const run = second.perdure.run(workflowId);
    const hasCome = async (): Promise<boolean> => {
      second.clock.advance(2_000);
      const { finishedAt, blockedReason } = await run.status();
      return finishedAt !== null || blockedReason !== null;
    };
    await expect.poll(hasCome).toBe(true);
    const { blockedReason } = await run.status();
    const patches = await test.database.query<{ name: string }>({
      name: `test_patches_${test.schema}`,
      text: `select name from "${test.schema}".checkpoints where workflow_id = $1::text and kind = 'patch' order by position`,
      values: [workflowId],
    });
    const result = blockedReason === null ? await run.result() : null;
    return { result, blockedReason, patches: patches.map(({ name }) => name) };
  } finally {
    await second.close();
    await first.close();
  }
}

let runs = 0;

const silent = { debug() {}, info() {}, warn() {}, error() {} };
