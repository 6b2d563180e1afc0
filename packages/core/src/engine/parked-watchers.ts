import type { Clock } from '../seams/clock.js';
import type { Logger } from '../seams/logger.js';
import type { Random } from '../seams/random.js';
import type { ParkingStore } from '../store/parking.js';
import { Loop } from '../util/loop.js';

export interface ParkedWatchersOptions {
  readonly parking: ParkingStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly pollMs: number;
  /** Asks the other processes to tell of these runs. */
  readonly askOthers: (workflowIds: readonly string[]) => void;
  /** Runs that were parked are to be claimed. */
  readonly onWoken: () => void;
}

/** How often everything is looked at, for what a process knew that is no more. */
const sweepMs = 30_000;

const watchedMax = 10_000;

/** How many of them are asked about in one round, in turn. */
const polledMax = 1_000;

/**
 * Wakes parked runs that wait for events of other runs. Whoever sets an event writes a checkpoint and knows nothing of who
 * waits; so the process that has parked somebody looks once more afterwards, again whenever it is told of the run, and from
 * time to time.
 */
export class ParkedWatchers {
  readonly #options: ParkedWatchersOptions;
  readonly #loop: Loop;
  /** The runs that parked ones wait for, as far as this process knows. */
  readonly #watched = new Set<string>();
  /** Those of them in which something may have happened. */
  #told = new Set<string>();
  #sweepAtMs = 0;

  constructor(options: ParkedWatchersOptions) {
    this.#options = options;
    const { clock, random, logger, pollMs } = options;
    this.#loop = new Loop({
      name: 'parked-watchers',
      clock,
      random,
      logger,
      intervalMs: pollMs,
      round: () => this.#round(),
    });
  }

  start(): void {
    this.#loop.start();
    this.#loop.wake();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  /** Somebody who waits for events of these runs was parked. */
  watch(workflowIds: readonly string[]): void {
    if (workflowIds.length === 0) return;
    this.#know(workflowIds);
    this.#tell(workflowIds);
  }

  /** Something has happened in these runs. */
  look(workflowIds: readonly string[]): void {
    this.#tell(workflowIds.filter((workflowId) => this.#watched.has(workflowId)));
  }

  /** Something may have happened in any run. */
  lookAtAll(): void {
    this.#tell([...this.#watched]);
  }

  #tell(workflowIds: readonly string[]): void {
    if (workflowIds.length === 0) return;
    for (const workflowId of workflowIds) this.#told.add(workflowId);
    this.#loop.wake();
  }

  #know(workflowIds: readonly string[]): void {
    const news = workflowIds.filter((workflowId) => !this.#watched.has(workflowId));
    const room = Math.max(0, watchedMax - this.#watched.size);
    const added = news.slice(0, room);
    for (const workflowId of added) this.#watched.add(workflowId);
    if (added.length > 0) this.#options.askOthers(added);
  }

  async #round(): Promise<void> {
    const { clock } = this.#options;
    if (clock.monotonicMs() >= this.#sweepAtMs) {
      await this.#wake('all');
      this.#sweepAtMs = clock.monotonicMs() + sweepMs;
      return;
    }
    const told = this.#told;
    this.#told = new Set();
    const asked = new Set([...told, ...[...this.#watched].slice(0, polledMax)]);
    if (asked.size === 0) return;
    try {
      await this.#wake([...asked]);
    } catch (error) {
      for (const workflowId of told) this.#told.add(workflowId);
      throw error;
    }
  }

  async #wake(which: readonly string[] | 'all'): Promise<void> {
    const { parking, clock, onWoken } = this.#options;
    const { hasWoken, workflowIds } = await parking.wakeWatching(which, clock.sqlNow());
    if (which === 'all') this.#know(workflowIds);
    else {
      const watched = new Set(workflowIds);
      for (const workflowId of which) {
        // Those that are still watched go to the end of the line.
        this.#watched.delete(workflowId);
        if (watched.has(workflowId)) this.#watched.add(workflowId);
      }
    }
    if (!hasWoken) return;
    onWoken();
    // There may be more than one statement wakes.
    this.#tell(which === 'all' ? workflowIds : which);
  }
}
