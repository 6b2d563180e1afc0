import type { Clock } from '../seams/clock.js';
import type { Logger } from '../seams/logger.js';
import type { Random } from '../seams/random.js';
import { type Deferred, deferred } from '../util/deferred.js';
import { Loop } from '../util/loop.js';

export interface InquiriesOptions<Question, Answer> {
  /** What is inquired about, in logs. */
  readonly name: string;
  /** Answers many questions in one query, in their order. */
  readonly find: (questions: readonly Question[]) => Promise<Answer[]>;
  /** Whether an answer says that there is nothing yet. */
  readonly isEmpty: (answer: Answer) => boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly pollMs: number;
  /** Asks the other processes to tell of these runs. */
  readonly askOthers: (workflowIds: readonly string[]) => void;
}

interface Wait<Question, Answer> {
  readonly question: Question;
  readonly answered: Deferred<Answer>;
}

/**
 * Waits for what runs publish, wherever they execute: told by somebody, and asking for all waits in one query in case nobody
 * does.
 */
export class Inquiries<Question extends { readonly workflowId: string }, Answer> {
  readonly #options: InquiriesOptions<Question, Answer>;
  readonly #waits = new Set<Wait<Question, Answer>>();
  readonly #loop: Loop;
  /** The runs that somebody has told of since the last question about them, and so will again. */
  readonly #told = new Set<string>();
  #isStarted = false;

  constructor(options: InquiriesOptions<Question, Answer>) {
    this.#options = options;
    const { name, clock, random, logger, pollMs } = options;
    this.#loop = new Loop({ name, clock, random, logger, intervalMs: pollMs, round: () => this.#look() });
  }

  /** Resolves as soon as there is an answer. Never settles once aborted. */
  next(question: Question, signal: AbortSignal): Promise<Answer> {
    const wait: Wait<Question, Answer> = { question, answered: deferred<Answer>() };
    this.#waits.add(wait);
    const leave = (): void => void this.#waits.delete(wait);
    signal.addEventListener('abort', leave, { once: true });
    const stay = (): void => signal.removeEventListener('abort', leave);
    wait.answered.promise.then(stay, stay);
    if (!this.#isStarted) {
      this.#isStarted = true;
      this.#loop.start();
    }
    if (!this.#told.delete(question.workflowId)) this.#options.askOthers([question.workflowId]);
    this.#loop.wake();
    return wait.answered.promise;
  }

  /** Something has happened in these runs. */
  look(workflowIds: readonly string[]): void {
    const awaited = new Set([...this.#waits].map(({ question }) => question.workflowId));
    const told = workflowIds.filter((workflowId) => awaited.has(workflowId));
    if (told.length === 0) return;
    for (const workflowId of told) this.#told.add(workflowId);
    this.#loop.wake();
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
    const answers = await this.#options.find(waits.map(({ question }) => question));
    waits.forEach((wait, index) => {
      const answer = answers[index];
      if (answer === undefined || this.#options.isEmpty(answer)) return;
      this.#waits.delete(wait);
      wait.answered.resolve(answer);
    });
  }
}
