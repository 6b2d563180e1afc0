import { AsyncResource } from 'node:async_hooks';
import type { Clock, EpochMs, Timer } from '../seams/clock.js';
import type { Logger } from '../seams/logger.js';
import type { Random } from '../seams/random.js';

export interface LoopOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly intervalMs: number;
  /** One round. An error is logged once for each outage, and the loop goes on. */
  readonly round: () => Promise<void>;
}

/**
 * A supervised background loop: one round at a time, every interval (10 % jitter, so that processes don't march in step),
 * and at once after {@link Loop.wake}. No error ends it.
 *
 * The rounds run in the asynchronous context in which the loop was made: whoever wakes it may do so for a request, and the
 * rounds are not that request's.
 */
export class Loop {
  readonly #options: LoopOptions;
  readonly #run: () => void;
  #timer: Timer | null = null;
  #rounds: Promise<void> = Promise.resolve();
  #isRunning = false;
  #isStopped = true;
  #isWoken = false;
  #failingSince: EpochMs | null = null;

  constructor(options: LoopOptions) {
    this.#options = options;
    this.#run = AsyncResource.bind(() => this.#runInContext());
  }

  /** Since when no round has succeeded; null while they do. */
  get failingSince(): EpochMs | null {
    return this.#failingSince;
  }

  start(): void {
    this.#isStopped = false;
    this.#schedule();
  }

  /** Asks for a round now; during a round, for another one after it. */
  wake(): void {
    if (this.#isStopped) return;
    this.#isWoken = true;
    this.#run();
  }

  /** Ends the loop, after the round under way. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.#rounds;
  }

  #schedule(): void {
    const { clock, random, intervalMs } = this.#options;
    const delayMs = intervalMs * (0.9 + 0.2 * random.float());
    this.#timer = clock.setTimer(delayMs, () => this.#run(), { background: true });
  }

  #runInContext(): void {
    // Not by the promise: a round may wake its loop before there is one.
    if (this.#isRunning || this.#isStopped) return;
    this.#isRunning = true;
    this.#timer?.cancel();
    this.#rounds = this.#runRounds().finally(() => {
      this.#isRunning = false;
      if (this.#isStopped) return;
      // Woken after the last round had looked whether it was.
      if (this.#isWoken && this.#failingSince === null) this.#run();
      else this.#schedule();
    });
  }

  async #runRounds(): Promise<void> {
    do {
      this.#isWoken = false;
      try {
        await this.#options.round();
        if (this.#failingSince !== null)
          this.#options.logger.info({ loop: this.#options.name }, 'a background loop works again');
        this.#failingSince = null;
      } catch (error) {
        if (this.#failingSince === null) {
          this.#options.logger.warn({ loop: this.#options.name, err: error }, 'a background loop failed; it goes on');
        }
        this.#failingSince ??= this.#options.clock.now();
      }
    } while (this.#isWoken && !this.#isStopped && this.#failingSince === null);
  }
}
