import type { LogItem, LogVerdict } from '../checkpoint-log/checkpoint-log.js';
import type { Clock, EpochMs } from '../seams/clock.js';
import type { Checkpoint, CheckpointKind, ClaimedRun, ConsumedMessage, Outcome } from '../store/records.js';
import type { StreamChange } from '../store/streams.js';
import type { CallResult } from './durable-call.js';
import type { IssuedCall } from './replay-cursor.js';

/** Something to be added to a run's history. */
export interface Entry {
  readonly kind: CheckpointKind;
  readonly seq: number; // -1 = concerns the whole run
  readonly name: string;
  readonly payload: string | null;
  readonly failed: boolean;
  readonly startedAt: EpochMs;
  readonly finishedAt: EpochMs;
  readonly consumed?: ConsumedMessage;
  readonly dueAt?: EpochMs;
  readonly streamed?: StreamChange;
}

/** Writes one run's history: gives each entry its position and remembers whether all of it is durable yet. */
export class RunRecorder {
  readonly #run: ClaimedRun;
  readonly #clock: Clock;
  readonly #append: (item: LogItem) => Promise<LogVerdict>;
  readonly #onRefused: (error: unknown) => void;
  #nextPosition: number;
  #undurable: Promise<unknown> | null = null;

  constructor(options: {
    readonly run: ClaimedRun;
    readonly clock: Clock;
    readonly nextPosition: number;
    readonly append: (item: LogItem) => Promise<LogVerdict>;
    /** The database will never accept an entry, whatever is tried. */
    readonly onRefused: (error: unknown) => void;
  }) {
    this.#run = options.run;
    this.#clock = options.clock;
    this.#append = options.append;
    this.#onRefused = options.onRefused;
    this.#nextPosition = options.nextPosition;
  }

  record(entry: Entry): { readonly checkpoint: Checkpoint; readonly durable: Promise<void> } {
    const { workflowId, attempt } = this.#run;
    const checkpoint: Checkpoint = { workflowId, attempt, position: this.#nextPosition++, ...entry };
    return { checkpoint, durable: this.#add({ kind: 'checkpoint', checkpoint }) };
  }

  /** What a call has come to by now, to be recorded when it is delivered. */
  entryOf({ seq, name }: IssuedCall, kind: CheckpointKind, result: Omit<CallResult, 'writes'>): Entry {
    return { kind, seq, name, ...result, finishedAt: this.#clock.now() };
  }

  /** Records that the workflow starts afresh. */
  recordRetry(payload: string, streamed: StreamChange): ReturnType<RunRecorder['record']> {
    const at = this.#clock.now();
    const base = { kind: 'retry', seq: -1, name: '', failed: true, startedAt: at, finishedAt: at } as const;
    return this.record({ ...base, payload, streamed });
  }

  /** Changes streams without a checkpoint; resolves once that is durable. */
  async write(change: StreamChange): Promise<void> {
    if (change.entries.length > 0) await this.#add({ kind: 'stream', workflowId: this.#run.workflowId, change });
  }

  /**
   * Records the outcome. If the database refuses it, or an entry before it that nobody has heard of yet, the run has failed
   * with that: resolves with the outcome that is durable.
   */
  async settle(outcome: Outcome, failedWith: (error: unknown) => Outcome): Promise<Outcome> {
    const { parentId, queue, claimNo } = this.#run;
    const item = { kind: 'outcome', isQueued: queue !== null, claimNo, parentId } as const;
    const verdict = await this.#append({ ...item, outcome });
    if (verdict.kind !== 'refused') return outcome;
    const failed = failedWith(verdict.error);
    await this.#append({ ...item, outcome: failed });
    return failed;
  }

  /** How many entries the history has. */
  get length(): number {
    return this.#nextPosition;
  }

  /** Null if everything recorded so far is durable, else a promise of it. */
  get undurable(): Promise<unknown> | null {
    return this.#undurable;
  }

  /** The log keeps the order, so the last append speaks for all before it. */
  async #add(item: LogItem): Promise<void> {
    const verdict = this.#append(item);
    this.#undurable = verdict;
    const settled = await verdict;
    if (this.#undurable === verdict) this.#undurable = null;
    if (settled.kind === 'refused') this.#onRefused(settled.error);
  }
}
