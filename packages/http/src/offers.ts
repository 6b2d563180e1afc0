import { AsyncResource } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import type { ResponseRecord } from './stored-response.js';

/**
 * Runs the handler of a request, and resolves with its response once that is known as a whole.
 *
 * @param exchangeId marks the response
 * @param origin what the workflows that the handler starts are named after
 */
export type Perform = (exchangeId: string, origin: string) => Promise<ResponseRecord>;

/**
 * A request that is here and waits for its answer. Its handler runs if the run of its key is executed in this process and
 * takes it: at once when the request is the first one, or later when the run is taken over from a process that died.
 */
export class Offer {
  readonly runId: string;
  /** Marks the response that this request's handler makes. */
  readonly exchangeId = randomUUID();
  /** Settles when the handler has answered, or thrown; never for an offer that is not taken. */
  readonly performed: Promise<ResponseRecord>;
  /** Resolves when the handler is about to run. */
  readonly taken: Promise<void>;
  readonly #perform: (origin: string) => Promise<ResponseRecord>;
  #state: 'waiting' | 'taken' | 'withdrawn' = 'waiting';
  #hasPerformed = false;
  #error: { readonly error: unknown } | null = null;
  #onTaken = (): void => {};
  #settle = { resolve: (_record: ResponseRecord): void => {}, reject: (_error: unknown): void => {} };

  constructor(runId: string, perform: Perform) {
    this.runId = runId;
    // The handler runs in the context of its request, not in that of the step which calls it.
    this.#perform = AsyncResource.bind(async (origin) => await perform(this.exchangeId, origin));
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
  async perform(origin: string): Promise<ResponseRecord> {
    try {
      const record = await this.#perform(origin);
      this.#hasPerformed = true;
      this.#settle.resolve(record);
      return record;
    } catch (error) {
      this.#error = { error };
      this.#settle.reject(error);
      throw error;
    }
  }
}

/** The offers of a process, in the order of their arrival. */
export class Offers {
  readonly #waiting = new Map<string, Set<Offer>>();

  add(runId: string, perform: Perform): Offer {
    const offer = new Offer(runId, perform);
    const waiting = this.#waiting.get(runId) ?? new Set();
    this.#waiting.set(runId, waiting.add(offer));
    return offer;
  }

  /** How many requests wait for a run in this process. */
  count(runId: string): number {
    return this.#waiting.get(runId)?.size ?? 0;
  }

  /** The first offer that still waits, once; null if there is none. */
  take(runId: string): Offer | null {
    for (const offer of this.#waiting.get(runId) ?? []) {
      this.withdraw(offer, () => offer.take());
      if (offer.isTaken) return offer;
    }
    return null;
  }

  withdraw(offer: Offer, settle: () => void = () => offer.withdraw()): void {
    settle();
    const waiting = this.#waiting.get(offer.runId);
    waiting?.delete(offer);
    if (waiting?.size === 0) this.#waiting.delete(offer.runId);
  }
}
