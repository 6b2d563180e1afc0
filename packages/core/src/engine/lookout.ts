import type { Clock } from '../seams/clock.js';
import type { Logger } from '../seams/logger.js';
import type { Random } from '../seams/random.js';
import { type Deferred, deferred } from '../util/deferred.js';
import { Loop } from '../util/loop.js';

export interface LookoutOptions {
  /** What is looked for, in logs. */
  readonly name: string;
  /** The runs that somebody waits for. */
  readonly awaited: () => Iterable<string>;
  /** Looks for something about some runs, in one query. */
  readonly look: (workflowIds: readonly string[]) => Promise<void>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly pollMs: number;
}

/** How many runs are looked at in one query. */
const lookMax = 5_000;

/**
 * Looks for something about runs that somebody waits for: at once about those in which something may have happened, and from
 * time to time about all, in case nobody has told. So whoever waits for one run costs nothing when something happens in another.
 */
export class Lookout {
  readonly #options: LookoutOptions;
  readonly #loop: Loop;
  /** The runs to look at now, and who is to be told when that is done. */
  #urgent = new Map<string, Deferred<void>[]>();
  #allLookedAtMs = 0;
  #isStarted = false;

  constructor(options: LookoutOptions) {
    this.#options = options;
    const { name, clock, random, logger, pollMs } = options;
    this.#loop = new Loop({ name, clock, random, logger, intervalMs: pollMs, round: () => this.#round() });
  }

  /** Something may have happened in these runs. */
  look(workflowIds: readonly string[]): void {
    for (const workflowId of workflowIds) {
      if (!this.#urgent.has(workflowId)) this.#urgent.set(workflowId, []);
    }
    this.#wake();
  }

  /** Resolves when a run has been looked at; whatever happened before has then been found. */
  looked(workflowId: string): Promise<void> {
    const looked = deferred<void>();
    this.#urgent.set(workflowId, [...(this.#urgent.get(workflowId) ?? []), looked]);
    this.#wake();
    return looked.promise;
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    this.#urgent.clear();
  }

  #wake(): void {
    if (!this.#isStarted) {
      this.#isStarted = true;
      this.#loop.start();
    }
    this.#loop.wake();
  }

  async #round(): Promise<void> {
    const { awaited, clock, look, pollMs } = this.#options;
    const urgent = this.#urgent;
    this.#urgent = new Map();
    // Being woken all the time must not keep it from looking at all.
    const isForAll = urgent.size === 0 || clock.monotonicMs() - this.#allLookedAtMs >= pollMs;
    const workflowIds = [...(isForAll ? awaited() : urgent.keys())];
    try {
      for (let start = 0; start < workflowIds.length; start += lookMax) {
        await look(workflowIds.slice(start, start + lookMax));
      }
    } catch (error) {
      for (const [workflowId, told] of urgent) {
        this.#urgent.set(workflowId, [...told, ...(this.#urgent.get(workflowId) ?? [])]);
      }
      throw error;
    }
    if (isForAll) this.#allLookedAtMs = clock.monotonicMs();
    for (const looked of [...urgent.values()].flat()) looked.resolve();
  }
}
