import type { EpochMs } from '../seams/clock.js';
import type { StreamChange } from './streams.js';

/** What a run's row says about who may work on it. An outcome row, where there is one, overrules it. */
export type RunState = 'owned' | 'available' | 'parked' | 'queued' | 'blocked' | 'settled';

/** How a run ended. */
export type OutcomeKind = 'completed' | 'failed' | 'cancelled' | 'dead';

/** What a user sees: an outcome where there is one, else what the run's state means. */
export type RunStatus = 'enqueued' | 'delayed' | 'running' | 'blocked' | OutcomeKind;

/** The durable calls that a workflow makes; each has a result, delivered in recorded order. */
export type CallKind =
  | 'step'
  | 'sleep'
  | 'child'
  | 'start'
  | 'result'
  | 'status'
  | 'cancel'
  | 'send'
  | 'receive'
  | 'token'
  | 'event'
  | 'get-event'
  | 'stream';

/**
 * One row of a run's history:
 * a call's result; a marker of a call that is still open (`attempt`: a try of a step failed, `timer`: a sleep began,
 * `wait`: a receive with a timeout began, `transaction`: a transactional step has committed, but its result was not delivered yet);
 * an interruption of the whole run (`cancelled`, `timed-out`); `patch`: the run takes the new way at a change of its code, which its
 * name says; `retry`, after which the workflow starts afresh; or `streamed`, which is no row but says what is in its streams.
 */
export type CheckpointKind =
  CallKind | 'attempt' | 'timer' | 'wait' | 'transaction' | 'streamed' | 'cancelled' | 'timed-out' | 'patch' | 'retry';

export interface Checkpoint {
  readonly workflowId: string;
  /**
   * The place in the run's history: 0, 1, 2 … without gaps. Results are delivered in this order. A `transaction` has none
   * yet, and `streamed` never: -1.
   */
  readonly position: number;
  /** The number of the durable call, in the order in which the workflow made them; -1 where it concerns the whole run. */
  readonly seq: number;
  readonly kind: CheckpointKind;
  readonly name: string;
  /** Encoded result, error or marker; null is `undefined`. */
  readonly payload: string | null;
  /** Whether the payload is an error. */
  readonly failed: boolean;
  readonly startedAt: EpochMs;
  readonly finishedAt: EpochMs;
  /** The run's attempt that wrote it. */
  readonly attempt: number;
  /** The message that becomes consumed with it. */
  readonly consumed?: ConsumedMessage;
  /** What happens to the run's streams with it. */
  readonly streamed?: StreamChange;
}

export interface ConsumedMessage {
  /** The span that sent it; null = none. */
  readonly trace: string | null;
  readonly no: number;
  /** How often the whole workflow had been retried. */
  readonly retries: number;
}

/** The result of a transactional step, committed together with the step's own data. */
export interface TransactionCheckpoint {
  readonly workflowId: string;
  /** How often the whole workflow had been retried. */
  readonly retries: number;
  readonly seq: number;
  readonly name: string;
  readonly payload: string | null;
  readonly startedAt: EpochMs;
  readonly finishedAt: EpochMs;
  readonly attempt: number;
}

/** A run as its starter writes it: owned by the executor that starts it. */
export interface NewRun {
  readonly workflowId: string;
  readonly name: string;
  /** '' = that of the first process to take it. */
  readonly version: string;
  readonly input: string | null;
  readonly parentId: string | null; // null = started from outside a workflow
  readonly detached: boolean;
  readonly claimNo: number;
  readonly seed: string;
  readonly createdAt: EpochMs;
  readonly deadlineAt: EpochMs | null; // null = none
  /** What its carriers took along, encoded; null = nothing. */
  readonly context: string | null;
  /** What a second start is compared by; null = its input. */
  readonly fingerprint: string | null;
  /** {@link Attributes} as JSON; null = none. */
  readonly attributes: string | null;
  /** The trace that it is part of; null = none. */
  readonly trace: string | null;
}

/** What runs are found by, besides what they have anyway. */
export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** A run that an executor owns and is about to execute. */
export interface ClaimedRun extends Omit<NewRun, 'attributes'> {
  readonly queue: string | null; // null = it was started, not enqueued
  readonly attempt: number;
  readonly crashes: number;
  readonly cancelRequested: boolean;
  /** Whether its input was not checked at the start, because who started it did not have the workflow. */
  readonly unchecked: boolean;
  /** How often the workflow must have started afresh before it goes on: more often than it has, once it was put back. */
  readonly retriesDue: number;
  /** Whether it was parked until now: its code has been where its history ends. */
  readonly wasParked: boolean;
  /** Whether it is known that nobody had it before and that it began with nothing: it has no history. */
  readonly isNew: boolean;
  /** How long it has waited in its queue since it was due; null where that isn't known, or it was in none. */
  readonly waitedMs: number | null;
  /** The processes that died while they owned it. */
  readonly crashLog: readonly CrashRecord[];
  /** The last sign of life of the process that started it; null = that is not known to have died soon after. */
  readonly starterSeenAt: EpochMs | null;
}

export interface Outcome {
  readonly workflowId: string;
  readonly kind: OutcomeKind;
  /** Encoded result when completed, else the encoded error. */
  readonly payload: string | null;
  readonly finishedAt: EpochMs;
}

/** A process that died while it owned the run. */
export interface CrashRecord {
  /** ISO 8601, as the database wrote it. */
  readonly at: string;
  /** Its last heartbeat, likewise. */
  readonly seenAt: string;
  readonly executorId: string;
  readonly attempt: number;
  /** How many checkpoints the run and its descendants had by then. */
  readonly checkpoints: number;
}

/** Everything a status question can be answered with. */
export interface RunRecord {
  readonly workflowId: string;
  readonly name: string;
  readonly version: string;
  readonly status: RunStatus;
  /** What its carriers took along, encoded; null = nothing. */
  readonly context: string | null;
  readonly parentId: string | null;
  /** The queue that it was enqueued in; null if it was started. */
  readonly queue: string | null;
  readonly executorId: string | null;
  /** How often the run was claimed: 1 unless it was recovered or handed over. */
  readonly attempt: number;
  /** The processes that died while they owned the run. */
  readonly crashes: readonly CrashRecord[];
  readonly createdAt: EpochMs;
  readonly deadlineAt: EpochMs | null;
  readonly finishedAt: EpochMs | null;
  readonly cancelRequested: boolean;
  readonly attributes: Attributes;
  /** The run whose history this one began with; null = none. */
  readonly forkedFrom: string | null;
  /** Why it is `blocked`, with the precise difference between its history and the code; null in any other status. */
  readonly blockedReason: string | null;
}
