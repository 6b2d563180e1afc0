import type { Clock } from '../seams/clock.js';
import type { Logger } from '../seams/logger.js';
import type { Random } from '../seams/random.js';
import type { Store } from '../store/store.js';
import { Loop } from '../util/loop.js';
import { type ResolvedRule, Retention } from './retention.js';

export interface RetentionLoopOptions {
  readonly store: Pick<Store, 'runListing' | 'runRemoval'>;
  readonly rules: readonly ResolvedRule[];
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

const intervalMs = 60_000;

/** Deletes all that is kept no longer, now and then. Several processes that do it pass over what another one has locked. */
export class RetentionLoop {
  readonly #loop: Loop;
  readonly #stopped = new AbortController();

  constructor({ store, rules, clock, random, logger }: RetentionLoopOptions) {
    // A database that is away is the next round's affair.
    const retention = new Retention({ store, clock, ask: (send) => send() });
    this.#loop = new Loop({
      name: 'retention',
      clock,
      random,
      logger,
      intervalMs,
      round: async () => {
        const { signal } = this.#stopped;
        for (let isPart = true; isPart && !signal.aborted;) {
          const pruned = await retention.prune(rules, { signal });
          const { deleted } = pruned;
          if (deleted > 0) logger.info({ deleted }, 'runs were deleted that are kept no longer');
          isPart = pruned.isPart;
          // An embedded database may answer without one.
          await new Promise<void>((resolve) => clock.nextMacrotask(resolve));
        }
      },
    });
  }

  start(): void {
    this.#loop.start();
  }

  /** After the batch under way. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#loop.stop();
  }
}
