import { RunNotFoundError } from '../errors/errors.js';
import type { Clock } from '../seams/clock.js';
import type { Logger } from '../seams/logger.js';
import type { Random } from '../seams/random.js';
import type { Outcome } from '../store/records.js';
import type { RunStore } from '../store/runs.js';
import { type Deferred, deferred } from '../util/deferred.js';
import { Lookout } from './lookout.js';

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
  readonly #waiters = new Map<string, Set<Deferred<Outcome>>>();
  readonly #lookout: Lookout;

  constructor(options: RunResultsOptions) {
    this.#options = options;
    this.#lookout = new Lookout({
      ...options,
      name: 'results',
      awaited: () => this.#waiters.keys(),
      look: (workflowIds) => this.#look(workflowIds),
    });
  }

  /**
   * @param options `isLocal`: whether the run executes in this process, which will tell; then nobody else is asked.
   * `signal`: ends the waiting with its reason
   */
  wait(
    workflowId: string,
    { isLocal, signal }: { readonly isLocal: boolean; readonly signal: AbortSignal | null },
  ): Promise<Outcome> {
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    const waiter = deferred<Outcome>();
    const waiters = this.#waiters.get(workflowId) ?? new Set();
    this.#waiters.set(workflowId, waiters.add(waiter));
    if (signal !== null) {
      const leave = (): void => {
        this.#forget(workflowId, waiter);
        waiter.reject(signal.reason);
      };
      signal.addEventListener('abort', leave, { once: true });
      const stay = (): void => signal.removeEventListener('abort', leave);
      waiter.promise.then(stay, stay);
    }
    // Whoever asked may have gone; a run that doesn't exist must not end the process.
    waiter.promise.catch(() => {});
    if (!isLocal) this.#lookElsewhere([workflowId]);
    return waiter.promise;
  }

  /** This process settled a run. */
  settled(outcome: Outcome): void {
    for (const waiter of this.#take(outcome.workflowId)) waiter.resolve(outcome);
  }

  /** Runs that this process was executing go on elsewhere, or another process says that runs have finished. */
  look(workflowIds: readonly string[]): void {
    const awaited = workflowIds.filter((workflowId) => this.#waiters.has(workflowId));
    if (awaited.length > 0) this.#lookElsewhere(awaited);
  }

  /** Ends all waiting. */
  async stop(error: Error): Promise<void> {
    await this.#lookout.stop();
    for (const workflowId of this.#waiters.keys()) {
      for (const waiter of this.#take(workflowId)) waiter.reject(error);
    }
  }

  #lookElsewhere(workflowIds: readonly string[]): void {
    this.#options.askOthers(workflowIds);
    this.#lookout.look(workflowIds);
  }

  /**
   * What is found is for those who waited when it was looked for. Meanwhile a run may have been started, or its outcome may have
   * been taken back.
   */
  async #look(workflowIds: readonly string[]): Promise<void> {
    const awaited = workflowIds.filter((workflowId) => this.#waiters.has(workflowId));
    if (awaited.length === 0) return;
    const waiters = new Map(awaited.map((workflowId) => [workflowId, [...(this.#waiters.get(workflowId) ?? [])]]));
    const answer = (workflowId: string, tell: (waiter: Deferred<Outcome>) => void): void => {
      for (const waiter of waiters.get(workflowId) ?? []) {
        this.#forget(workflowId, waiter);
        tell(waiter);
      }
    };
    const { outcomes, unknownIds } = await this.#options.runs.findOutcomes(awaited);
    for (const outcome of outcomes) answer(outcome.workflowId, (waiter) => waiter.resolve(outcome));
    for (const workflowId of unknownIds) {
      answer(workflowId, (waiter) => waiter.reject(new RunNotFoundError(workflowId)));
    }
  }

  /** All who wait for a run, who from now on wait no more. */
  #take(workflowId: string): Iterable<Deferred<Outcome>> {
    const waiters = this.#waiters.get(workflowId) ?? [];
    this.#waiters.delete(workflowId);
    return waiters;
  }

  #forget(workflowId: string, waiter: Deferred<Outcome>): void {
    const waiters = this.#waiters.get(workflowId);
    waiters?.delete(waiter);
    if (waiters?.size === 0) this.#waiters.delete(workflowId);
  }
}
