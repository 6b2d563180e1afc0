import { AsyncResource } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import type { RunStarter } from '@perdure/core/internal';
import type { ResponseRecord } from './stored-response.js';

/** What a handler has of the run whose step it is. */
export class HandlerRun {
  #starter: RunStarter | null;

  /** @param origin what the workflows that the handler starts are named after */
  constructor(
    readonly origin: string,
    starter: RunStarter,
  ) {
    this.#starter = starter;
  }

  /** What they are started with, also while the engine shuts down; null once the handler has ended. */
  get starter(): RunStarter | null {
    return this.#starter;
  }

  end(): void {
    this.#starter = null;
  }
}

/**
 * Runs the handler of a request, and resolves with its response once that is known as a whole.
 *
 * @param exchangeId marks the response
 */
export type Perform = (exchangeId: string, run: HandlerRun) => Promise<ResponseRecord>;

/** The run whose answer a request waits for. */
export interface AskedRun {
  readonly runId: string;
  /** Of the payload. A run answers no request that came with another one, though it has the same key. */
  readonly fingerprint: string;
  /** Runs of several engines in a process can have the same id. */
  readonly engineKey: object | null;
}

/**
 * A request that is here and waits for its answer. Its handler runs if the run of its key is executed in this process and
 * takes it: at once when the request is the first one, or later when the run is taken over from a process that died.
 */
export class Offer {
  readonly asked: AskedRun;
  /** Marks the response that this request's handler makes. */
  readonly exchangeId = randomUUID();
  /** Settles when the handler has answered, or thrown; never for an offer that is not taken. */
  readonly performed: Promise<ResponseRecord>;
  /** Resolves when the handler is about to run. */
  readonly taken: Promise<void>;
  readonly #perform: (run: HandlerRun) => Promise<ResponseRecord>;
  #state: 'waiting' | 'taken' | 'withdrawn' = 'waiting';
  #hasPerformed = false;
  #error: { readonly error: unknown } | null = null;
  #onTaken = (): void => {};
  #settle = { resolve: (_record: ResponseRecord): void => {}, reject: (_error: unknown): void => {} };

  constructor(asked: AskedRun, perform: Perform) {
    this.asked = asked;
    // The handler runs in the context of its request, not in that of the step which calls it.
    this.#perform = AsyncResource.bind(async (run) => await perform(this.exchangeId, run));
    this.taken = new Promise((resolve) => (this.#onTaken = resolve));
    this.performed = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
    this.performed.catch(() => {});
  }

  get isTaken(): boolean {
    return this.#state === 'taken';
  }

  /** The handler has answered. */
  get hasPerformed(): boolean {
    return this.#hasPerformed;
  }

  /** What the handler threw, itself rather than the stored copy. */
  get thrown(): { readonly error: unknown } | null {
    return this.#error;
  }

  /** @internal */
  take(): boolean {
    if (this.#state !== 'waiting') return false;
    this.#state = 'taken';
    this.#onTaken();
    return true;
  }

  /** @internal */
  withdraw(): void {
    if (this.#state === 'waiting') this.#state = 'withdrawn';
  }

  /** Runs the handler. */
  async perform(origin: string, starter: RunStarter): Promise<ResponseRecord> {
    const run = new HandlerRun(origin, starter);
    try {
      const record = await this.#perform(run);
      this.#hasPerformed = true;
      this.#settle.resolve(record);
      return record;
    } catch (error) {
      this.#error = { error };
      this.#settle.reject(error);
      throw error;
    } finally {
      run.end();
    }
  }
}

/** The offers of a process, in the order of their arrival. */
export class Offers {
  readonly #waiting = new Map<string, Set<Offer>>();

  add(asked: AskedRun, perform: Perform): Offer {
    const offer = new Offer(asked, perform);
    const waiting = this.#waiting.get(asked.runId) ?? new Set();
    this.#waiting.set(asked.runId, waiting.add(offer));
    return offer;
  }

  /** How many requests wait for the run that this one waits for. */
  count({ asked }: Offer): number {
    let count = 0;
    for (const { asked: other } of this.#waiting.get(asked.runId) ?? []) {
      if (other.engineKey === asked.engineKey) count += 1;
    }
    return count;
  }

  /** The first offer for this run that still waits, once; null if there is none. */
  take(executed: AskedRun): Offer | null {
    for (const offer of this.#waiting.get(executed.runId) ?? []) {
      if (!isSame(offer.asked, executed)) continue;
      this.withdraw(offer, () => offer.take());
      if (offer.isTaken) return offer;
    }
    return null;
  }

  withdraw(offer: Offer, settle: () => void = () => offer.withdraw()): void {
    settle();
    const { runId } = offer.asked;
    const waiting = this.#waiting.get(runId);
    waiting?.delete(offer);
    if (waiting?.size === 0) this.#waiting.delete(runId);
  }
}

function isSame(a: AskedRun, b: AskedRun): boolean {
  return a.engineKey === b.engineKey && a.fingerprint === b.fingerprint;
}
