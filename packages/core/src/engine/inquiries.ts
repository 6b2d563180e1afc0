import type { Clock } from '../seams/clock.js';
import type { Logger } from '../seams/logger.js';
import type { Random } from '../seams/random.js';
import { type Deferred, deferred } from '../util/deferred.js';
import { Lookout } from './lookout.js';

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

/** How many runs that nobody waits for now are remembered, because the next question often comes at once. */
const toldMax = 10_000;

/** Waits for what runs publish, wherever they execute. */
export class Inquiries<Question extends { readonly workflowId: string }, Answer> {
  readonly #options: InquiriesOptions<Question, Answer>;
  readonly #waits = new Map<string, Set<Wait<Question, Answer>>>();
  readonly #lookout: Lookout;
  /** The runs that somebody has told of and that are asked about again, so that others know already. */
  readonly #told = new Set<string>();

  constructor(options: InquiriesOptions<Question, Answer>) {
    this.#options = options;
    this.#lookout = new Lookout({
      ...options,
      awaited: () => this.#waits.keys(),
      look: (workflowIds) => this.#ask(workflowIds),
    });
  }

  /** Resolves as soon as there is an answer. Never settles once aborted. */
  next(question: Question, signal: AbortSignal): Promise<Answer> {
    const { workflowId } = question;
    const wait: Wait<Question, Answer> = { question, answered: deferred<Answer>() };
    const waits = this.#waits.get(workflowId) ?? new Set();
    this.#waits.set(workflowId, waits.add(wait));
    const leave = (): void => this.#forget(wait);
    signal.addEventListener('abort', leave, { once: true });
    const stay = (): void => signal.removeEventListener('abort', leave);
    wait.answered.promise.then(stay, stay);
    if (!this.#told.delete(workflowId)) this.#options.askOthers([workflowId]);
    this.#lookout.look([workflowId]);
    return wait.answered.promise;
  }

  /** Something has happened in these runs. */
  look(workflowIds: readonly string[]): void {
    const told = workflowIds.filter((workflowId) => this.#waits.has(workflowId));
    if (told.length === 0) return;
    for (const workflowId of told) this.#told.add(workflowId);
    if (this.#told.size > toldMax) this.#forgetTold();
    this.#lookout.look(told);
  }

  /** Ends all waiting. */
  async stop(error: Error): Promise<void> {
    await this.#lookout.stop();
    for (const waits of this.#waits.values()) for (const { answered } of waits) answered.reject(error);
    this.#waits.clear();
  }

  async #ask(workflowIds: readonly string[]): Promise<void> {
    const waits = workflowIds.flatMap((workflowId) => [...(this.#waits.get(workflowId) ?? [])]);
    if (waits.length === 0) return;
    const answers = await this.#options.find(waits.map(({ question }) => question));
    for (const [index, wait] of waits.entries()) {
      const answer = answers[index];
      if (answer === undefined || this.#options.isEmpty(answer)) continue;
      this.#forget(wait);
      wait.answered.resolve(answer);
    }
  }

  /** Of most runs that nobody waits for now, nobody ever asks again. */
  #forgetTold(): void {
    for (const workflowId of this.#told) if (!this.#waits.has(workflowId)) this.#told.delete(workflowId);
  }

  #forget(wait: Wait<Question, Answer>): void {
    const { workflowId } = wait.question;
    const waits = this.#waits.get(workflowId);
    waits?.delete(wait);
    if (waits?.size === 0) this.#waits.delete(workflowId);
  }
}
