import { describe, expect, it, vi } from 'vitest';
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
    await vi.waitFor(() => expect(rounds).toBe(2));
    await loop.stop();
  });

  it('goes on after an error, and says since when it fails', async () => {
    let rounds = 0;
    const loop = loopOf(async () => {
      rounds += 1;
      if (rounds === 1) throw new Error('once');
    });
    loop.start();
    loop.wake();
    await vi.waitFor(() => expect(loop.failingSince).not.toBeNull());
    loop.wake();
    await vi.waitFor(() => expect(loop.failingSince).toBeNull());
    await loop.stop();
    loop.wake();
    expect(rounds).toBe(2);
  });
});
