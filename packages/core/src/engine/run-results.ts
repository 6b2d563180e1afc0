import { RunNotFoundError } from '../errors/errors.js';
import type { Clock } from '../seams/clock.js';
import type { Logger } from '../seams/logger.js';
import type { Random } from '../seams/random.js';
import type { Outcome } from '../store/records.js';
import type { RunStore } from '../store/runs.js';
import { type Deferred, deferred } from '../util/deferred.js';
import { Loop } from '../util/loop.js';

export interface RunResultsOptions {
  readonly runs: RunStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly pollMs: number;
  /** Asks the other processes to tell when these runs finish. */
  readonly askOthers: (workflowIds: readonly string[]) => void;
}

/**
 * Waits for outcomes, wherever the runs execute: told at once by this process or by a notification from another, and
 * asking the database, for all waiters in one query, in case no one tells.
 */
export class RunResults {
  readonly #options: RunResultsOptions;
  readonly #waiters = new Map<string, Deferred<Outcome>>();
  readonly #loop: Loop;
  #isStarted = false;

  constructor(options: RunResultsOptions) {
    this.#options = options;
    this.#loop = new Loop({
      name: 'results',
      clock: options.clock,
      random: options.random,
      logger: options.logger,
      intervalMs: options.pollMs,
      round: () => this.#look(),
    });
  }

  /**
   * @param isLocal whether the run executes in this process, which will tell; then nobody else is asked
   */
  wait(workflowId: string, isLocal: boolean): Promise<Outcome> {
    let waiter = this.#waiters.get(workflowId);
    if (waiter === undefined) {
      waiter = deferred<Outcome>();
      // Whoever asked may have gone; a run that doesn't exist must not end the process.
      waiter.promise.catch(() => {});
      this.#waiters.set(workflowId, waiter);
    }
    if (!isLocal) this.#lookElsewhere([workflowId]);
    return waiter.promise;
  }

  /** This process settled a run. */
  settled(outcome: Outcome): void {
    this.#waiters.get(outcome.workflowId)?.resolve(outcome);
    this.#waiters.delete(outcome.workflowId);
  }

  /** Runs that this process was executing go on elsewhere, or another process says that runs have finished. */
  look(workflowIds: readonly string[]): void {
    const awaited = workflowIds.filter((workflowId) => this.#waiters.has(workflowId));
    if (awaited.length > 0) this.#lookElsewhere(awaited);
  }

  /** Ends all waiting. */
  async stop(error: Error): Promise<void> {
    await this.#loop.stop();
    for (const waiter of this.#waiters.values()) waiter.reject(error);
    this.#waiters.clear();
  }

  #lookElsewhere(workflowIds: readonly string[]): void {
    if (!this.#isStarted) {
      this.#isStarted = true;
      this.#loop.start();
    }
    this.#options.askOthers(workflowIds);
    this.#loop.wake();
  }

  async #look(): Promise<void> {
    const workflowIds = [...this.#waiters.keys()];
    if (workflowIds.length === 0) return;
    const { outcomes, unknownIds } = await this.#options.runs.findOutcomes(workflowIds);
    for (const outcome of outcomes) this.settled(outcome);
    for (const workflowId of unknownIds) {
      this.#waiters.get(workflowId)?.reject(new RunNotFoundError(workflowId));
      this.#waiters.delete(workflowId);
    }
  }
}
