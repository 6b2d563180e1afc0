import type { CallKind, Checkpoint, CheckpointKind, ConsumedMessage } from '../store/records.js';
import type { EpochMs } from '../seams/clock.js';
import type { OpenSpan } from '../tracing/traced-run.js';
import type { CallStreams, StreamWrites } from './run-streams.js';

/** The result of a durable call, encoded. */
export interface CallResult {
  readonly payload: string | null;
  readonly failed: boolean;
  readonly startedAt: EpochMs;
  /** The message that the result is, for a receive. */
  readonly consumed?: ConsumedMessage;
  /** When it was to come, for a sleep. */
  readonly dueAt?: EpochMs;
  /** What is written to a stream with it. */
  readonly writes?: StreamWrites;
  /** The span that ends when it is recorded. */
  readonly span?: OpenSpan | null;
}

/** What a call waits for that can be waited for with nobody in memory. */
export type LongWait =
  | { readonly kind: 'time'; readonly at: EpochMs }
  | { readonly kind: 'message'; readonly topic: string; readonly until: EpochMs | null } // null = for ever
  | { readonly kind: 'child'; readonly workflowId: string }
  | { readonly kind: 'event'; readonly workflowId: string; readonly key: string | null }; // null = the run's outcome

/** What a call that the history doesn't answer may use while it is open. */
export interface OpenCall {
  readonly seq: number;
  readonly name: string;
  /** How often the whole workflow was retried before. */
  readonly retries: number;
  /** What an earlier process left behind of this call. */
  readonly markers: readonly Checkpoint[];
  /** The messages that the run has taken and that are not recorded yet. */
  readonly received: Set<number>;
  readonly streams: CallStreams;
  /** Whether the result no longer matters: the run was cancelled, ended, or went to another process. */
  readonly isAborted: boolean;
  /** Aborts when {@link OpenCall.isAborted} becomes true. */
  readonly signal: AbortSignal;
  /** The same for every attempt of this call, in every process. */
  readonly idempotencyKey: string;
  /**
   * Resolves when everything that the run did before is durable and this process still owns the run. Every side effect
   * waits for it. Never resolves once the run has stopped here.
   */
  permission(): Promise<void>;
  /** Takes back all that the call has written to streams. */
  rollBack(): void;
  /** Remembers that a side effect is under way, so that a shutdown can wait for it. */
  track<T>(effect: Promise<T>): Promise<T>;
  /** Says that nothing is left but to wait, for what may be long in coming; null: something is being done again. */
  rest(wait: LongWait | null): void;
  /** Records something about the call while it stays open. */
  mark(
    kind: Extract<CheckpointKind, 'attempt' | 'timer' | 'wait'>,
    payload: string | null,
    startedAt: EpochMs,
    span?: OpenSpan | null,
  ): void;
  /** Ends the call. Ignored when the run has stopped here. */
  complete(result: CallResult): void;
}

/** A call that a workflow makes and whose result is recorded. */
export interface DurableCall {
  readonly kind: CallKind;
  readonly name: string;
  /** Does the work, live; ends with `complete`. What it throws becomes the call's error. */
  perform(call: OpenCall): void | Promise<void>;
  /** What the workflow gets for the decoded result, where it isn't the result itself. */
  revive?(value: unknown): unknown;
}
