import type { Codec } from '../codec/codec.js';
import { InvalidArgumentError } from '../errors/errors.js';
import type { Clock, EpochMs } from '../seams/clock.js';
import type { DeadLetterRecord, DeadLetterStore } from '../store/dead-letters.js';

/** A run of a queue that failed for good: with an error, by waiting too long, or because processes died under it. */
export interface DeadLetter {
  readonly workflowId: string;
  readonly workflow: string;
  readonly version: string;
  readonly key: string | null; // null = none
  readonly priority: number;
  readonly units: number;
  /** How often it was begun or continued; 0 = never. */
  readonly attempt: number;
  /** `dead`: processes died under it, more often than `maxCrashes` allows. */
  readonly status: 'failed' | 'dead';
  readonly error: unknown;
  readonly enqueuedAt: EpochMs;
  readonly failedAt: EpochMs;
  /** Its place in the line of its queue; for {@link DeadLetterPage.after}. */
  readonly place: number;
}

export interface DeadLetterPage {
  /** How many at most: 100 by default. */
  readonly limit?: number;
  /** Those behind this place, which the last one of an earlier page had. */
  readonly after?: number;
}

/** Which dead letters: the oldest ones, or those of these runs. */
export interface DeadLetterChoice {
  readonly ids?: readonly string[];
  /** How many at most: 1,000 by default. */
  readonly limit?: number;
}

export interface RedriveOptions extends DeadLetterChoice {
  /** Lets runs that processes died under start afresh, too, on any version. Otherwise they go on where they were. */
  readonly afresh?: boolean;
}

/** The runs of queues that failed for good, to be looked at, and put back when the cause is gone. */
export interface DeadLetterAdmin {
  /** Those of one queue, in the order in which they were enqueued. @throws {QueueNotFoundError} */
  list(queue: string, page?: DeadLetterPage): Promise<DeadLetter[]>;
  /**
   * Puts runs back to their places in line, under their workflow ids: what they ended with is forgotten. A run that failed
   * starts afresh, as a workflow that is retried does, on the version of whoever takes it; one that processes died under goes on
   * where it was. Answers with the workflow ids.
   *
   * @throws {QueueNotFoundError}
   *
   * @example
   * await perdure.queues.deadLetters.redrive('invoices', { limit: 500 });
   */
  redrive(queue: string, options?: RedriveOptions): Promise<string[]>;
  /** Takes runs off the list; what they ended with stays. Answers with their workflow ids. @throws {QueueNotFoundError} */
  drop(queue: string, choice?: DeadLetterChoice): Promise<string[]>;
}

export interface DeadLettersOptions {
  readonly store: DeadLetterStore;
  readonly clock: Clock;
  readonly codec: Codec;
  /** @throws {QueueNotFoundError} */
  readonly ensureQueue: (queue: string) => Promise<void>;
  /** Repeats a question while the database is away. */
  readonly ask: <T>(send: () => Promise<T>) => Promise<T>;
  /** There is more to take. */
  readonly onPutBack: () => void;
}

const limitMax = 10_000;

/** So many are written by one statement. */
const batchMax = 500;

/** The dead letters as one engine, or client, knows them. */
export class DeadLetters implements DeadLetterAdmin {
  readonly #options: DeadLettersOptions;

  constructor(options: DeadLettersOptions) {
    this.#options = options;
  }

  async list(queue: string, { limit = 100, after = 0 }: DeadLetterPage = {}): Promise<DeadLetter[]> {
    if (!Number.isSafeInteger(after)) throw new InvalidArgumentError('after must be the place of a dead letter');
    const records = await this.#find(queue, null, limit, after);
    return records.map((record) => this.#toLetter(record));
  }

  async redrive(queue: string, options: RedriveOptions = {}): Promise<string[]> {
    const { store, clock, onPutBack } = this.#options;
    const { afresh = false } = options;
    const moved = await this.#change(queue, options, (workflowIds) =>
      store.putBack({ queue, workflowIds, afresh, now: clock.sqlNow() }),
    );
    if (moved.length > 0) onPutBack();
    return moved;
  }

  async drop(queue: string, choice: DeadLetterChoice = {}): Promise<string[]> {
    return await this.#change(queue, choice, (workflowIds) => this.#options.store.drop({ queue, workflowIds }));
  }

  /** Which ones is settled first: a change that is sent again, because its reply was lost, takes no others. */
  async #change(
    queue: string,
    { ids, limit = 1_000 }: DeadLetterChoice,
    change: (workflowIds: readonly string[]) => Promise<void>,
  ): Promise<string[]> {
    if (ids !== undefined && (!Array.isArray(ids) || ids.some((id) => typeof id !== 'string'))) {
      throw new InvalidArgumentError('ids must be an array of workflow ids');
    }
    const workflowIds = (await this.#find(queue, ids ?? null, limit, 0)).map(({ workflowId }) => workflowId);
    for (let first = 0; first < workflowIds.length; first += batchMax) {
      await this.#options.ask(() => change(workflowIds.slice(first, first + batchMax)));
    }
    return workflowIds;
  }

  async #find(
    queue: string,
    workflowIds: readonly string[] | null,
    limit: number,
    afterPlace: number,
  ): Promise<DeadLetterRecord[]> {
    if (!Number.isSafeInteger(limit) || limit < 1 || limit > limitMax) {
      throw new InvalidArgumentError(`limit must be a whole number from 1 to ${limitMax}`);
    }
    const { ensureQueue, ask, store } = this.#options;
    await ensureQueue(queue);
    return await ask(() => store.list({ queue, workflowIds, afterPlace, max: limit }));
  }

  #toLetter({ key, kind, payload, ...record }: DeadLetterRecord): DeadLetter {
    const error = this.#options.codec.decodeError(payload ?? '');
    return { ...record, key: key === '' ? null : key, status: kind === 'dead' ? 'dead' : 'failed', error };
  }
}
