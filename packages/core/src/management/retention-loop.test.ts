import { describe, expect, it } from 'vitest';
import type { Timer } from '../seams/clock.js';
import { SystemClock } from '../seams/system-clock.js';
import type { Store } from '../store/store.js';
import { SeededRandom } from '../util/seeded-random.js';
import { resolveRules } from './retention.js';
import { RetentionLoop } from './retention-loop.js';

/** Lets one round come about at once, and no other one. */
class OneRound extends SystemClock {
  #isOver = false;

  override setTimer(_delayMs: number, fire: () => void): Timer {
    if (!this.#isOver) setImmediate(fire);
    this.#isOver = true;
    return { cancel() {} };
  }
}

/** So many old runs, in a database that answers without the event loop getting a turn. */
function oldRuns(count: number, onBatch: () => void = () => {}) {
  const left = Array.from({ length: count }, (_, no) => {
    const workflowId = String(no).padStart(6, '0');
    return { workflowId, name: 'old', finishedAt: 0, place: { createdAtUs: 0, workflowId } };
  });
  const store = {
    runListing: { list: async ({ max }: { readonly max: number }) => left.slice(0, max) },
    runRemoval: {
      async remove(workflowIds: readonly string[]) {
        onBatch();
        left.splice(0, workflowIds.length);
        return workflowIds;
      },
    },
  } as unknown as Pick<Store, 'runListing' | 'runRemoval'>;
  const logger = { debug() {}, info() {}, warn() {}, error() {} };
  const random = new SeededRandom('retention');
  const rules = resolveRules([{ olderThan: 0 }]);
  return { left, loop: new RetentionLoop({ store, rules, clock: new OneRound(), random, logger }) };
}

describe('retention', () => {
  it('goes on in one round until nothing is left that is kept no longer, and lets others have their turn', async () => {
    const { left, loop } = oldRuns(25_000);
    const seen: number[] = [];
    const look = (): void => {
      seen.push(left.length);
      if (left.length > 0) setImmediate(look);
    };
    loop.start();
    setImmediate(look);
    await expect.poll(() => left.length).toBe(0);
    await loop.stop();
    expect(new Set(seen).size).toBeGreaterThan(2);
  });

  it('stops after the batch under way, however much is left', async () => {
    const stops: Promise<void>[] = [];
    const { left, loop } = oldRuns(25_000, () => void stops.push(loop.stop()));
    loop.start();
    await expect.poll(() => stops).not.toEqual([]);
    await Promise.all(stops);
    expect(left).toHaveLength(24_800);
  });
});
