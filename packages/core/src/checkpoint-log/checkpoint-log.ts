import { classify } from '../database/database-errors.js';
import { StoreRefusedError } from '../errors/errors.js';
import type { Metrics } from '../metrics/metrics.js';
import type { Clock, EpochMs } from '../seams/clock.js';
import type { Logger } from '../seams/logger.js';
import type { ChildOfOther, FlushBatch, FlushStore } from '../store/flush.js';
import type { StreamChange } from '../store/streams.js';
import type { QueuedRun } from '../store/queue-items.js';
import type { Checkpoint, NewRun, Outcome } from '../store/records.js';
import { never } from '../util/never.js';
import { sleepFor } from '../util/timers.js';
import { GroupCommit } from './group-commit.js';
import { mergeStreamChanges } from './stream-changes.js';

/** Something that a run makes durable. */
export type LogItem =
  | { readonly kind: 'start'; readonly run: NewRun }
  | { readonly kind: 'checkpoint'; readonly checkpoint: Checkpoint }
  | { readonly kind: 'stream'; readonly workflowId: string; readonly change: StreamChange }
  | { readonly kind: 'enqueue'; readonly run: QueuedRun }
  | {
      readonly kind: 'outcome';
      readonly outcome: Outcome;
      readonly isQueued: boolean;
      readonly claimNo: number;
      /** The parent, where it may be parked. */
      readonly parentId: string | null;
    };

/**
 * What became of an item. `taken`: another start has this workflow id. `refused`: the database will never accept this
 * item, whatever is tried; the others of its batch are not affected.
 */
export type LogVerdict =
  { readonly kind: 'recorded' } | { readonly kind: 'taken' } | { readonly kind: 'refused'; readonly error: unknown };

/** Hints for a flush to take along. */
export interface Enclosure {
  readonly payloads: readonly string[];
  /** Called when they have gone. */
  readonly onSent: () => void;
}

export interface CheckpointLogOptions {
  readonly executorId: string;
  readonly flush: FlushStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** For tests: called when items are durable, before anybody hears of it. */
  readonly afterFlush: ((items: readonly LogItem[]) => Promise<void>) | null; // null in production
  readonly flushItemsMax: number;
  readonly enclose: (items: readonly LogItem[]) => Enclosure | null;
  /** Called when a flush has woken runs that were parked. */
  readonly onWoken: () => void;
  /** Called when the fence stops a flush: this executor's lease was revoked, and nothing it does counts any more. */
  readonly onRevoked: () => void;
}

/**
 * The only way a run makes anything durable: appends are committed in groups, in the order of appending.
 *
 * An append resolves once the item is durable. While the database is away it stays pending and the flush is repeated;
 * after the lease was revoked it never settles.
 */
export class CheckpointLog {
  readonly #options: CheckpointLogOptions;
  readonly #groupCommit: GroupCommit<LogItem, LogVerdict>;
  #failingSince: EpochMs | null = null;

  constructor(options: CheckpointLogOptions) {
    this.#options = options;
    this.#groupCommit = new GroupCommit({
      flush: (batch) => this.#flush(batch),
      nextTurn: (run) => options.clock.nextMacrotask(run),
      batchItemsMax: options.flushItemsMax,
      batchBytesMax: 4 * 1024 * 1024,
      bytesOf: sizeOf,
      isFatal: (verdict) => verdict.kind === 'refused',
      ownerOf: runOf,
    });
  }

  append(item: LogItem): Promise<LogVerdict> {
    return this.#groupCommit.append(item);
  }

  /** The size of what is not durable yet, in bytes. */
  get backlogBytes(): number {
    return this.#groupCommit.backlogBytes;
  }

  /** Since when the database has not accepted writes; null while it does. */
  get failingSince(): EpochMs | null {
    return this.#failingSince;
  }

  drain(): Promise<void> {
    return this.#groupCommit.drain();
  }

  abandon(): void {
    this.#groupCommit.abandon();
  }

  /** Repeats a flush until its fate is known. Repeating is safe: the second time, only what is missing is written. */
  async #flush(items: readonly LogItem[]): Promise<readonly LogVerdict[]> {
    const { clock, metrics } = this.#options;
    const begunMs = clock.monotonicMs();
    let mode: 'writeNew' | 'writeMissing' = 'writeNew';
    let enclosure = this.#options.enclose(items);
    for (let failures = 0; !this.#groupCommit.isAbandoned;) {
      try {
        const result = await this.#options.flush[mode](toBatch(this.#options, items, enclosure?.payloads ?? []));
        if (failures > 0) this.#options.logger.info({ failures }, 'the database accepts writes again');
        this.#failingSince = null;
        if (!result.held) {
          metrics.fenced(items.length);
          this.#options.onRevoked();
          return await never();
        }
        enclosure?.onSent();
        metrics.committed(clock.monotonicMs() - begunMs);
        if (result.hasWoken) this.#options.onWoken();
        if (this.#options.afterFlush !== null) await this.#options.afterFlush(items);
        return items.map((item) =>
          'run' in item && result.takenSeeds.has(item.run.seed) ? { kind: 'taken' } : { kind: 'recorded' },
        );
      } catch (error) {
        const errorClass = classify(error);
        const isFirstConflict = errorClass === 'unique-violation' && mode === 'writeNew';
        mode = 'writeMissing';
        // Without the hints, which can be what is refused.
        const mayBeHints = enclosure !== null && errorClass === 'data';
        enclosure = null;
        if (isFirstConflict || mayBeHints) continue;
        if (errorClass === 'data') return await this.#isolate(items, error);
        failures += 1;
        this.#failingSince ??= this.#options.clock.now();
        if (failures === 1)
          this.#options.logger.warn({ err: error, errorClass }, 'a flush failed; it will be repeated');
        await sleepFor(this.#options.clock, backoffMs(failures));
      }
    }
    return await never();
  }

  /**
   * A bad item fails alone, with what its run appended after it: halves the batch until the item stands by itself.
   */
  async #isolate(items: readonly LogItem[], error: unknown): Promise<readonly LogVerdict[]> {
    if (items.length === 1) return [{ kind: 'refused', error: new StoreRefusedError(error) }];
    const middle = Math.ceil(items.length / 2);
    const verdicts = [...(await this.#flush(items.slice(0, middle)))];
    const refusals = new Map<string, LogVerdict>();
    verdicts.forEach((verdict, index) => {
      if (verdict.kind === 'refused') refusals.set(runOf(items[index] as LogItem), verdict);
    });
    const rest = items.slice(middle);
    const unharmed = rest.filter((item) => !refusals.has(runOf(item)));
    const flushed = unharmed.length === 0 ? [] : [...(await this.#flush(unharmed))];
    for (const item of rest) verdicts.push(refusals.get(runOf(item)) ?? (flushed.shift() as LogVerdict));
    return verdicts;
  }
}

/** A refused reconnect costs little, so the first tries come quickly; a healthy process never waits more than 2 s. */
function backoffMs(failures: number): number {
  return Math.min(2_000, 25 * 2 ** Math.min(failures, 10));
}

function toBatch(
  { executorId, clock }: CheckpointLogOptions,
  items: readonly LogItem[],
  enclosed: readonly string[],
): FlushBatch {
  const starts: NewRun[] = [];
  const enqueued: QueuedRun[] = [];
  const checkpoints: Checkpoint[] = [];
  const outcomes: Outcome[] = [];
  const dequeued: string[] = [];
  const deadLetters: FlushBatch['deadLetters'][number][] = [];
  const reopenable: FlushBatch['reopenable'][number][] = [];
  const consumed: FlushBatch['consumed'][number][] = [];
  const childrenOfOthers: ChildOfOther[] = [];
  const changes: StreamChange[] = [];
  for (const item of items) {
    if (item.kind === 'start') starts.push(item.run);
    else if (item.kind === 'enqueue') enqueued.push(item.run);
    else if (item.kind === 'stream') changes.push(item.change);
    else if (item.kind === 'checkpoint') {
      const { checkpoint } = item;
      checkpoints.push(checkpoint);
      if (checkpoint.consumed !== undefined)
        consumed.push({ workflowId: checkpoint.workflowId, seq: checkpoint.seq, ...checkpoint.consumed });
      if (checkpoint.streamed !== undefined) changes.push(checkpoint.streamed);
    } else {
      outcomes.push(item.outcome);
      const { workflowId, kind } = item.outcome;
      if (item.isQueued && kind === 'failed') deadLetters.push({ workflowId, claimNo: item.claimNo });
      else if (item.isQueued) dequeued.push(workflowId);
      if (kind !== 'completed' && !(item.isQueued && kind === 'failed'))
        reopenable.push({ workflowId, claimNo: item.claimNo });
      if (item.parentId !== null) childrenOfOthers.push({ workflowId, parentId: item.parentId });
    }
  }
  const { entries: streamed, discarded } = mergeStreamChanges(changes);
  return {
    executorId,
    starts,
    enqueued,
    checkpoints,
    outcomes,
    dequeued,
    deadLetters,
    reopenable,
    consumed,
    childrenOfOthers,
    streamed,
    discarded,
    now: clock.sqlNow(),
    enclosed,
  };
}

function runOf(item: LogItem): string {
  if ('run' in item) return item.run.workflowId;
  if (item.kind === 'stream') return item.workflowId;
  return item.kind === 'checkpoint' ? item.checkpoint.workflowId : item.outcome.workflowId;
}

function sizeOf(item: LogItem): number {
  if (item.kind === 'stream') return sizeOfChange(item.change);
  const written = item.kind === 'checkpoint' && item.checkpoint.streamed ? sizeOfChange(item.checkpoint.streamed) : 0;
  const payload =
    'run' in item ? item.run.input : item.kind === 'checkpoint' ? item.checkpoint.payload : item.outcome.payload;
  const carried = 'run' in item ? (item.run.context?.length ?? 0) + (item.run.trace?.length ?? 0) : 0;
  return 200 + (payload?.length ?? 0) + carried + written;
}

const sizeOfChange = ({ entries }: StreamChange): number =>
  entries.reduce((sum, { payload }) => sum + 100 + (payload?.length ?? 0), 0);
