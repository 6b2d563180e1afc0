import { currentRun, sleep, step, workflow } from '@perdure/core';

/** What the bodies of steps did, in order: one entry each time that a body began. */
export interface Ledger {
  readonly begun: string[];
  readonly ended: string[];
}

export interface Scenario {
  readonly name: string;
  readonly definitions: ReturnType<typeof workflow<[], unknown>>[];
  readonly expected: unknown;
}

/** Runs the body of a step and notes, wherever notes are kept, that it began and that it ended. */
export type Noted = <T>(body: () => T | Promise<T>) => Promise<T>;

/**
 * Workflows in the patterns that replay has to get right. Each step's body notes its idempotency key, which is the same
 * for every attempt, so the ledger tells which step ran when.
 */
export function scenarios(ledger: Ledger): Scenario[] {
  return scenariosNotedBy(async (body) => {
    const key = currentRun()?.idempotencyKey ?? 'outside';
    ledger.begun.push(key);
    const result = await body();
    ledger.ended.push(key);
    return result;
  });
}

/** The same, for notes of another kind. */
export function scenariosNotedBy(noted: Noted, define: typeof workflow = workflow): Scenario[] {
  const add = step('add', (a: number, b: number) => noted(() => a + b));
  const slow = step('slow', (n: number, turns: number) =>
    noted(async () => {
      for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      return n;
    }),
  );

  const sequential = define('sequential', async () => {
    let sum = 0;
    for (let n = 1; n <= 5; n += 1) sum = await add(sum, n);
    return sum;
  });

  const chains = define('chains', async () => {
    const order: string[] = [];
    const chain = async (name: string, turns: number) => {
      const first = await slow(1, turns);
      order.push(`${name}1`);
      const second = await slow(first + 1, 6 - turns);
      order.push(`${name}2`);
      return second;
    };
    const sums = await Promise.all([chain('a', 5), chain('b', 1), chain('c', 3)]);
    return { sums, order: order.length };
  });

  const race = define('race', async () => {
    const winner = await Promise.race([slow(1, 40), slow(2, 2)]);
    const timed = await Promise.race([sleep('1h').then(() => 'slept'), slow(3, 1).then(() => 'stepped')]);
    const any = await Promise.any([step.run('fails', () => noted(() => Promise.reject(new Error('no')))), slow(4, 5)]);
    return { winner, timed, any };
  });

  const pool = define('pool', async () => {
    const items = [1, 2, 3, 4, 5, 6, 7];
    const results: number[] = [];
    const worker = async (): Promise<void> => {
      for (let item = items.shift(); item !== undefined; item = items.shift()) {
        results.push(await slow(item * 10, (item * 7) % 5));
      }
    };
    await Promise.all([worker(), worker(), worker()]);
    return results.sort((a, b) => a - b);
  });

  const grandchild = define('grandchild', async (...args: []) => (await slow(args.length + 1, 2)) + 1);
  const child = define('child', async () => (await grandchild()) + (await add(1, 1)));
  const parent = define('parent', async () => {
    const background = await child.start();
    const awaited = await child();
    return [awaited, await background.result(), await add(1, 2)];
  });

  const retries = define('retries', async () => {
    const flaky = await step.run(
      'flaky',
      () =>
        noted(() => {
          const attempt = currentRun()?.step?.attempt ?? 0;
          if (attempt < 3) throw new RangeError(`attempt ${attempt}`);
          return attempt;
        }),
      { retries: 3, backoff: { initial: '10s' } },
    );
    const failed = await step
      .run('hopeless', () => noted(() => Promise.reject(new TypeError('no'))), { retries: 1 })
      .catch((error: unknown) => (error instanceof TypeError ? error.message : 'wrong class'));
    return [flaky, failed, await add(flaky, 1)];
  });

  // Both first steps end in one turn of the event loop, and what follows them takes a different number of microtasks.
  const interleaved = define('interleaved', async () => {
    const shared = new Promise((resolve) => setTimeout(resolve, 1));
    const chain = async (name: string, microtasks: number) => {
      await step.run(`${name}1`, () => noted(() => shared.then(() => name)));
      for (let hop = 0; hop < microtasks; hop += 1) await Promise.resolve();
      return await step.run(`${name}2`, () => noted(() => name));
    };
    return await Promise.all([chain('a', 50), chain('b', 0), chain('c', 7)]);
  });

  const timers = define('timers', async () => {
    await sleep('3d');
    const [first] = await Promise.all([add(1, 1), sleep('2h'), sleep('1h')]);
    await sleep(0);
    return await add(first, 1);
  });

  return [
    { name: 'sequential', definitions: [sequential], expected: 15 },
    { name: 'chains', definitions: [chains], expected: { sums: [2, 2, 2], order: 6 } },
    { name: 'race', definitions: [race], expected: { winner: 2, timed: 'stepped', any: 4 } },
    { name: 'pool', definitions: [pool], expected: [10, 20, 30, 40, 50, 60, 70] },
    { name: 'parent', definitions: [parent, child, grandchild], expected: [4, 4, 3] },
    { name: 'retries', definitions: [retries], expected: [3, 'no', 4] },
    { name: 'interleaved', definitions: [interleaved], expected: ['a', 'b', 'c'] },
    { name: 'timers', definitions: [timers], expected: 3 },
  ] as Scenario[];
}
