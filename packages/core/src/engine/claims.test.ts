import { expect, it, vi } from 'vitest';
import { SystemClock } from '../seams/system-clock.js';
import { deferred } from '../util/deferred.js';
import { SeededRandom } from '../util/seeded-random.js';
import { Claims } from './claims.js';
import type { EngineServices } from './engine-services.js';

/** Real time that tells which timers are set. */
class ObservedClock extends SystemClock {
  readonly open = new Set<object>();

  override setTimer(delayMs: number, fire: () => void): ReturnType<SystemClock['setTimer']> {
    const timer = super.setTimer(delayMs, () => {
      this.open.delete(timer);
      fire();
    });
    this.open.add(timer);
    return {
      cancel: () => {
        this.open.delete(timer);
        timer.cancel();
      },
    };
  }
}

it('sets no timer any more when the claim under way is answered after the stop', async () => {
  const clock = new ObservedClock();
  const answer = deferred<{ runs: []; moreInMs: number }>();
  const take = vi.fn(() => answer.promise);
  const services = {
    clock,
    random: new SeededRandom('claims'),
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    registry: { all: () => [{ name: 'work', version: '1', timeoutMs: null }] },
    codec: { encodeError: () => '' },
    store: { claims: { take } },
    options: { pollMs: 3_600_000, claimBatch: 1, runsMax: 1, queues: null, timeoutMs: null },
  } as unknown as EngineServices;
  const claims = new Claims(services, 'executor', async () => {}, {
    isRunning: () => false,
    suspectsRunning: () => 0,
    runsRunning: () => 0,
    hasRoom: () => true,
    execute: () => {},
  });
  claims.start();
  claims.wake();
  await expect.poll(() => take).toHaveBeenCalled();
  const stopped = claims.stop();
  answer.resolve({ runs: [], moreInMs: 3_600_000 });
  await stopped;
  expect(clock.open.size).toBe(0);
});
