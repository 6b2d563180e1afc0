import { currentRun, sleep, step, workflow } from '@perdure/core';
import type { LedgerWriter } from './ledger-writer.js';

/** A workflow that is killed at each of its checkpoints, and what it comes to, killed or not. */
export interface CrashCase {
  readonly name: string;
  /** The first one is started; the others are its children. */
  readonly workflows: ReturnType<typeof workflow<[], unknown>>[];
  readonly expected: unknown;
}

export function crashCases(ledger: LedgerWriter): CrashCase[] {
  const add = step('add', (a: number, b: number) => ledger.noted(() => a + b));
  /** Ends after so many milliseconds; timers of one moment end in the order of their lengths, however slow the machine is. */
  const take = step('take', (value: number, ms: number) =>
    ledger.noted(async () => {
      await new Promise((resolve) => setTimeout(resolve, ms));
      return value;
    }),
  );

  const sequential = workflow('sequential', async () => {
    let sum = 0;
    for (let n = 1; n <= 5; n += 1) sum = await add(sum, n);
    return sum;
  });

  const chains = workflow('chains', async () => {
    const chain = async (value: number, ms: number): Promise<number> => await add(await take(value, ms), 1);
    // They end in another order than that in which they were called.
    return await Promise.all([chain(10, 40), chain(20, 20), chain(30, 0)]);
  });

  /** The loser is recorded too, after the winner, and has the lower number. */
  const race = workflow('race', async () => {
    const slow = take(1, 40);
    const winner = await Promise.race([slow, take(2, 0)]);
    // A replay that let the other one win would call a step of another name.
    const after = await step.run(`after ${winner}`, () => ledger.noted(() => winner * 10));
    const stepped = await Promise.race([sleep('1h').then(() => 'slept'), take(3, 0).then(() => 'stepped')]);
    const slept = await Promise.race([hang().then(() => 'stepped'), sleep(20).then(() => 'slept')]);
    return { winner, after, stepped, slept, loser: await slow };
  });
  const hang = step('hang', () =>
    ledger.noted(
      () =>
        new Promise((resolve) => {
          currentRun()?.signal.addEventListener('abort', resolve, { once: true });
        }),
    ),
  );

  const pool = workflow('pool', async () => {
    const items = [6, 1, 5, 2, 4, 3];
    const results: number[] = [];
    const worker = async (): Promise<void> => {
      for (let item = items.shift(); item !== undefined; item = items.shift())
        results.push(await take(item, item * 10));
    };
    await Promise.all([worker(), worker()]);
    return results.sort((a, b) => a - b);
  });

  const child = workflow('child', async () => await add(await add(1, 1), 1));
  const parent = workflow('parent', async () => {
    const before = await add(10, 0);
    return await add(before, await child());
  });

  /** Which try it is comes from the history, also when other processes made the earlier ones. */
  const retries = workflow('retries', async () => {
    const tries = await step.run(
      'flaky',
      () =>
        ledger.noted(() => {
          const attempt = currentRun()?.step?.attempt ?? 0;
          if (attempt < 3) throw new RangeError(`attempt ${attempt}`);
          return attempt;
        }),
      { retries: 2, backoff: { initial: 10 } },
    );
    return await add(tries, 1);
  });

  return [
    { name: 'sequential', workflows: [sequential], expected: 15 },
    { name: 'chains', workflows: [chains], expected: [11, 21, 31] },
    {
      name: 'race',
      workflows: [race],
      expected: { winner: 2, after: 20, stepped: 'stepped', slept: 'slept', loser: 1 },
    },
    { name: 'pool', workflows: [pool], expected: [1, 2, 3, 4, 5, 6] },
    { name: 'parent', workflows: [parent, child], expected: 13 },
    { name: 'retries', workflows: [retries], expected: 4 },
  ] as CrashCase[];
}
