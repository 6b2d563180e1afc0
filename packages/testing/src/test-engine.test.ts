import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { now, sleep, step, uuid, workflow } from '@perdure/core';
import { type Database, embedded } from '@perdure/core/internal';
import { replayCheck } from './replay-check.js';
import { TestEngine } from './test-engine.js';

describe('a test engine', () => {
  let calls: string[];
  const record = step('record', async (what: string) => {
    calls.push(what);
    return what.toUpperCase();
  });
  const reminder = workflow('reminder', async (customer: string) => {
    const before = now();
    await record(`welcome ${customer}`);
    await sleep('30d');
    await record(`remind ${customer}`);
    return now() - before;
  });
  const fanOut = workflow('fan-out', async () => {
    const id = uuid();
    const chain = async (name: string) => {
      const first = await record(`${name}1`);
      await sleep(name === 'a' ? '2h' : '1h');
      return [first, await record(`${name}2`)];
    };
    const results = await Promise.all([chain('a'), chain('b')]);
    return { results, sameId: id.length };
  });
  let test: TestEngine;

  beforeEach(async () => {
    calls = [];
    test = await TestEngine.create({ workflows: [reminder, fanOut] });
  });
  afterEach(() => test.close());

  it('skips the time that a workflow sleeps', async () => {
    const slept = await reminder('Ada');
    expect(slept).toBeGreaterThanOrEqual(30 * 24 * 3_600_000);
    expect(calls).toEqual(['welcome Ada', 'remind Ada']);
  });

  it('crashes after a checkpoint and recovers without repeating it', async () => {
    const crashed = test.crashAfter(1);
    await reminder.with({ workflowId: 'r' }).start('Ada');
    await crashed;
    expect(calls).toEqual(['welcome Ada']);
    await test.restart();
    await test.perdure.run('r').result();
    expect(calls).toEqual(['welcome Ada', 'remind Ada']);
  });
});

describe('closing a test engine while the body of a step goes on', () => {
  let database: Database;
  let bodies: number;
  let end: (value: string) => void;
  const slow = workflow('slow', async () => {
    return await step.run('body', async () => {
      bodies += 1;
      return bodies > 1 ? 'repeated' : await new Promise<string>((resolve) => (end = resolve));
    });
  });

  beforeEach(() => {
    bodies = 0;
    database = embedded({ memory: true });
  });
  afterEach(() => database.close());

  async function underWay(): Promise<TestEngine> {
    const test = await TestEngine.create({ workflows: [slow], database });
    await slow.with({ workflowId: 's', engine: test.perdure }).start();
    await expect.poll(() => bodies).toBe(1);
    return test;
  }

  async function resultElsewhere(): Promise<string> {
    const other = await TestEngine.create({ workflows: [slow], database });
    const result = await other.perdure.run<string>('s').result();
    await other.close();
    return result;
  }

  it('waits for one that ends', async () => {
    const test = await underWay();
    const closed = test.close();
    end('ended');
    await closed;
    expect(await resultElsewhere()).toBe('ended');
    expect(bodies).toBe(1);
  });

  it('leaves one that never ends behind, and its run to others', async () => {
    const test = await underWay();
    await test.close();
    expect(await resultElsewhere()).toBe('repeated');
  });
});

describe('replayCheck', () => {
  it('returns the result of a workflow that replays from every checkpoint', async () => {
    const double = step('double', async (n: number) => n * 2);
    const chains = workflow('chains', async () => {
      const chain = async (n: number) => await double(await double(n));
      return await Promise.all([chain(1), chain(2), chain(3)]);
    });
    expect(await replayCheck(chains, [], { workflows: [chains] })).toEqual([4, 8, 12]);
  });

  it('names the call at which a workflow is not deterministic', async () => {
    let calls = 0;
    const careless = workflow('careless', async () => {
      calls += 1;
      await step.run('first', () => 1);
      await step.run(`call-${calls}`, () => 2);
      await step.run('third', () => 3);
    });
    await expect(replayCheck(careless, [], { workflows: [careless], logger: silent })).rejects.toThrow(
      /left its history at call #1[^]*recorded.*step "call-2"[^]*step "call-3"/,
    );
  });

  it('rejects with the reason where the workflow cannot be started', async () => {
    const takesAll = workflow('takes all', async (value: unknown) => value);
    await expect(replayCheck(takesAll, [() => 1], { workflows: [takesAll] })).rejects.toMatchObject({
      code: 'PERDURE_UNSUPPORTED_VALUE',
    });
  });

  it('runs the workflow each time, where checks share a database', async () => {
    const database = embedded({ memory: true });
    let no = 0;
    const echo = workflow('echo', async (value: string) => {
      no += 1;
      await step.run('first', () => 1);
      return await step.run(isCareless ? `second-${no}` : 'second', () => value);
    });
    let isCareless = false;
    const options = { workflows: [echo], database, logger: silent };
    expect(await replayCheck(echo, ['one'], options)).toBe('one');
    expect(await replayCheck(echo, ['two'], options)).toBe('two');
    isCareless = true;
    await expect(replayCheck(echo, ['two'], options)).rejects.toThrow(/left its history/);
    await database.close();
  });

  it('runs in its own engine, beside others', async () => {
    const echo = workflow('echo', async (value: string) => value);
    const other = await TestEngine.create();
    expect(await replayCheck(echo, ['here'], { workflows: [echo] })).toBe('here');
    await other.close();
  });
});

const silent = { debug() {}, info() {}, warn() {}, error() {} };
