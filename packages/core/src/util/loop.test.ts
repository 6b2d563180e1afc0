import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from 'vitest';
import { SystemClock } from '../seams/system-clock.js';
import { SeededRandom } from './seeded-random.js';
import { Loop } from './loop.js';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

function loopOf(round: () => Promise<void>): Loop {
  const seams = { clock: new SystemClock(), random: new SeededRandom('loop'), logger: quiet };
  return new Loop({ ...seams, name: 'test', intervalMs: 3_600_000, round });
}

describe('a loop', () => {
  it.each([0, 1, 2, 3, 4, 5, 6])('does another round when it is woken %i microtasks after one', async (microtasks) => {
    let rounds = 0;
    const loop = loopOf(async () => {
      rounds += 1;
      if (rounds > 1) return;
      void (async () => {
        for (let n = 0; n < microtasks; n += 1) await Promise.resolve();
        loop.wake();
      })();
    });
    loop.start();
    loop.wake();
    await expect.poll(() => rounds).toBe(2);
    await loop.stop();
  });

  it('does one round at a time, also when a round wakes it at once', async () => {
    const [underWay, most] = [new Set<number>(), new Set<number>()];
    let rounds = 0;
    const loop: Loop = loopOf(async () => {
      const round = (rounds += 1);
      underWay.add(round);
      most.add(underWay.size);
      if (round < 3) loop.wake();
      await Promise.resolve();
      underWay.delete(round);
    });
    loop.start();
    loop.wake();
    await expect.poll(() => rounds).toBe(3);
    await loop.stop();
    expect([...most]).toEqual([1]);
  });

  it('runs its rounds in the context in which it was made, whoever wakes it', async () => {
    const users = new AsyncLocalStorage<string>();
    const seen: (string | undefined)[] = [];
    const loop = users.run('maker', () => loopOf(async () => void seen.push(users.getStore())));
    users.run('starter', () => loop.start());
    users.run('waker', () => loop.wake());
    await loop.stop();
    expect(seen).toEqual(['maker']);
  });

  it('goes on after an error, and says since when it fails', async () => {
    let rounds = 0;
    const loop = loopOf(async () => {
      rounds += 1;
      if (rounds === 1) throw new Error('once');
    });
    loop.start();
    loop.wake();
    await expect.poll(() => loop.failingSince).not.toBeNull();
    loop.wake();
    await expect.poll(() => loop.failingSince).toBeNull();
    await loop.stop();
    loop.wake();
    expect(rounds).toBe(2);
  });
});
