import type { Clock } from '../seams/clock.js';
import type { Logger } from '../seams/logger.js';
import type { Random } from '../seams/random.js';
import type { EventAnswer, EventQuestion, EventStore } from '../store/events.js';
import { type Deferred, deferred } from '../util/deferred.js';
import { Loop } from '../util/loop.js';

export interface EventWaitsOptions {
  readonly events: EventStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly pollMs: number;
  /** Asks the other processes to tell of these runs. */
  readonly askOthers: (workflowIds: readonly string[]) => void;
}

interface Wait extends EventQuestion {
  readonly answered: Deferred<EventAnswer>;
}

/** Waits for events of runs, wherever they execute: told by somebody, and asking for all waits in one query in case nobody does. */
export class EventWaits {
  readonly #options: EventWaitsOptions;
  readonly #waits = new Set<Wait>();
  readonly #loop: Loop;
  #isStarted = false;

  constructor(options: EventWaitsOptions) {
    this.#options = options;
    const { clock, random, logger, pollMs } = options;
    this.#loop = new Loop({ name: 'events', clock, random, logger, intervalMs: pollMs, round: () => this.#look() });
  }

  /** Resolves with an event later than the one that is known, or when the run has ended. Never settles once aborted. */
  next(question: EventQuestion, signal: AbortSignal): Promise<EventAnswer> {
    const wait: Wait = { ...question, answered: deferred<EventAnswer>() };
    wait.answered.promise.catch(() => {});
    this.#waits.add(wait);
    signal.addEventListener('abort', () => void this.#waits.delete(wait), { once: true });
    if (!this.#isStarted) {
      this.#isStarted = true;
      this.#loop.start();
    }
    this.#options.askOthers([question.workflowId]);
    this.#loop.wake();
    return wait.answered.promise;
  }

  /** Something has happened in these runs. */
  look(workflowIds: readonly string[]): void {
    if ([...this.#waits].some(({ workflowId }) => workflowIds.includes(workflowId))) this.#loop.wake();
  }

  /** Ends all waiting. */
  async stop(error: Error): Promise<void> {
    await this.#loop.stop();
    for (const { answered } of this.#waits) answered.reject(error);
    this.#waits.clear();
  }

  async #look(): Promise<void> {
    const waits = [...this.#waits];
    if (waits.length === 0) return;
    const answers = await this.#options.events.find(waits);
    waits.forEach((wait, index) => {
      const answer = answers[index];
      if (answer === undefined || (answer.event === null && answer.run === 'open')) return;
      this.#waits.delete(wait);
      wait.answered.resolve(answer);
    });
  }
}
