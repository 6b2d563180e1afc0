/** What a {@link GroupCommit} needs to know; it knows nothing of workflows or SQL itself. */
export interface GroupCommitOptions<Item, Verdict> {
  /** Makes a batch durable and answers with a verdict for each item, in order. Must not reject. */
  readonly flush: (batch: readonly Item[]) => Promise<readonly Verdict[]>;
  /** Calls back once everything that is being appended in this turn of the event loop has been appended. */
  readonly nextTurn: (run: () => void) => void;
  readonly batchItemsMax: number;
  readonly batchBytesMax: number;
  readonly bytesOf: (item: Item) => number;
  /** Whether a verdict holds, too, for what was appended after the item by the same owner, who had counted on it. */
  readonly isFatal: (verdict: Verdict) => boolean;
  readonly ownerOf: (item: Item) => string;
}

interface Entry<Item, Verdict> {
  readonly item: Item;
  readonly bytes: number;
  readonly settle: (verdict: Verdict) => void;
}

interface Told<Item, Verdict> {
  readonly entry: Entry<Item, Verdict>;
  readonly verdict: Verdict;
}

/** A batch of as many, or a full one, is told in two halves. Of fewer, one commit more costs as much as the waiting. */
const halvedMin = 100;

/**
 * Batches by waiting for nobody. States:
 * - idle: nothing is queued and nothing in flight. An append moves to *gathering*.
 * - gathering: the flush starts at the next turn of the event loop, so that everything appended in this turn shares it.
 * - in flight: one flush is under way; appends queue. When it returns, everything queued goes as the next flush at once.
 * - abandoned: for good. Nothing is flushed any more, and no promise handed out before or after ever settles.
 *
 * One flush at a time keeps the order: an item is never durable before one that was appended earlier.
 *
 * Among many, half are told first, and the others once what those appended is on its way: or else the database would wait while
 * all of them are executed, and they for the database.
 */
export class GroupCommit<Item, Verdict> {
  readonly #options: GroupCommitOptions<Item, Verdict>;
  #queued: Entry<Item, Verdict>[] = [];
  #backlogBytes = 0;
  #state: 'idle' | 'gathering' | 'in-flight' | 'abandoned' = 'idle';
  #idleWaiters: (() => void)[] = [];

  constructor(options: GroupCommitOptions<Item, Verdict>) {
    this.#options = options;
  }

  append(item: Item): Promise<Verdict> {
    return new Promise((settle) => {
      if (this.#state === 'abandoned') return;
      const bytes = this.#options.bytesOf(item);
      this.#backlogBytes += bytes;
      this.#queued.push({ item, bytes, settle });
      if (this.#state === 'idle') {
        this.#state = 'gathering';
        this.#options.nextTurn(() => void this.#flushQueued());
      }
    });
  }

  /** Resolves when nothing is queued or in flight; never, once abandoned. */
  drain(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#state === 'idle') resolve();
      else if (this.#state !== 'abandoned') this.#idleWaiters.push(resolve);
    });
  }

  /** Forgets everything: what is in flight may still become durable, but nobody here hears of it. */
  abandon(): void {
    this.#state = 'abandoned';
    this.#queued = [];
    this.#backlogBytes = 0;
    this.#idleWaiters = [];
  }

  /** The size of what was appended and is not known to be durable. */
  get backlogBytes(): number {
    return this.#backlogBytes;
  }

  get isAbandoned(): boolean {
    return this.#state === 'abandoned';
  }

  async #flushQueued(): Promise<void> {
    let untold: Told<Item, Verdict>[] = [];
    while (this.#state !== 'abandoned' && this.#queued.length > 0) {
      this.#state = 'in-flight';
      const batch = this.#takeBatch();
      const flushed = this.#options.flush(batch.map((entry) => entry.item));
      if (untold.length > 0) {
        await this.#turn();
        this.#tell(untold.splice(0));
      }
      const verdicts = await flushed;
      if (this.isAbandoned) return;
      for (const { bytes } of batch) this.#backlogBytes -= bytes;
      untold = batch.map((entry, index) => ({ entry, verdict: verdicts[index] as Verdict }));
      const { batchItemsMax, isFatal } = this.#options;
      const isHalved = batch.length >= Math.min(halvedMin, batchItemsMax) && !verdicts.some(isFatal);
      this.#tell(untold.splice(0, isHalved ? Math.ceil(batch.length / 2) : batch.length));
      // The callers that were just told append their next items now, and those share the next flush.
      await this.#turn();
      // What they are told takes them a turn to act upon.
      if (untold.length > 0 && this.#queued.length === 0) await this.#turn();
      if (untold.length > 0 && this.#queued.length === 0) {
        this.#tell(untold.splice(0));
        await this.#turn();
      }
    }
    if (this.isAbandoned) return;
    this.#state = 'idle';
    for (const resolve of this.#idleWaiters.splice(0)) resolve();
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => this.#options.nextTurn(resolve));
  }

  #tell(told: readonly Told<Item, Verdict>[]): void {
    if (this.isAbandoned) return;
    for (const { entry, verdict } of told) this.#settle(entry, verdict);
  }

  /** What is queued was appended before its owner could hear of this verdict. */
  #settle(entry: Entry<Item, Verdict>, verdict: Verdict): void {
    entry.settle(verdict);
    const { isFatal, ownerOf } = this.#options;
    if (!isFatal(verdict)) return;
    const owner = ownerOf(entry.item);
    const lost = this.#queued.filter((later) => ownerOf(later.item) === owner);
    this.#queued = this.#queued.filter((later) => ownerOf(later.item) !== owner);
    for (const later of lost) {
      this.#backlogBytes -= later.bytes;
      later.settle(verdict);
    }
  }

  #takeBatch(): Entry<Item, Verdict>[] {
    let bytes = 0;
    let count = 0;
    for (const entry of this.#queued) {
      bytes += entry.bytes;
      if (count > 0 && (count === this.#options.batchItemsMax || bytes > this.#options.batchBytesMax)) break;
      count += 1;
    }
    return this.#queued.splice(0, count);
  }
}
