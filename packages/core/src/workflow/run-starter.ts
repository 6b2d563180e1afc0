import type { EventAnswer, EventQuestion } from '../store/events.js';
import type { StreamAnswer, StreamQuestion } from '../store/streams.js';
import type { Attributes, RunRecord } from '../store/records.js';
import type { EpochMs } from '../seams/clock.js';
import type { Logger } from '../seams/logger.js';
import type { Duration } from '../util/duration.js';
import type { TransactionClient } from '../database/database.js';
import type { QueueingOptions } from '../queue/queueing-options.js';
import type { DataSource } from '../step/data-source.js';
import type { CallerInRun, StartKind, TracedRun } from '../tracing/traced-run.js';
import type { Captured, Carried } from './carriers.js';
import type { WorkflowDefinition } from './definition.js';

/** How a run is started; bind them with `workflow.with(options)`. */
export interface StartOptions extends QueueingOptions {
  /** The queue to wait in, by name or as declared; the run begins as soon as its limits allow. */
  readonly queue?: string | { readonly name: string };
  /** Makes the start idempotent: a second start with the same id is the same run. Random where left out. */
  readonly workflowId?: string;
  /**
   * What a start with the same id is compared by, instead of its input: the hash of a request, say, of which the input is
   * only a part. 1 to 255 bytes.
   */
  readonly fingerprint?: string;
  /** What the run is found by later: texts, numbers and booleans, 8 KiB of them at most, and no secrets. */
  readonly attributes?: Attributes;
  /** From start to completion, restarts included; overrules the workflow's own. In a queue it counts from when the run begins. */
  readonly timeout?: Duration;
  /** The moment by which the run must have completed, where that is known rather than a duration. */
  readonly deadline?: Date;
  /**
   * The transaction that the run becomes part of: it exists only if that commits, and nobody can wait for it before. A client
   * of `pg`, on which you sent BEGIN, in the engine's database; with PGlite, what `transaction()` gives to its callback.
   */
  readonly transaction?: TransactionClient;
  /** For a child: its parent's cancellation and deadline don't reach it. */
  readonly detached?: boolean;
}

/** What is known of a run. Times are milliseconds since 1970. */
export interface RunInfo extends Omit<RunRecord, 'context'> {
  /** What its carriers took along when it was started, by their names. */
  readonly context: Carried;
}

export interface ResultOptions {
  /** Ends the waiting, and nothing else: the run goes on. Not in a workflow, whose replay could not know when it aborted. */
  readonly signal?: AbortSignal;
}

/** A run, addressed by its workflow id. */
export interface RunHandle<Result> {
  readonly workflowId: string;
  /**
   * Waits for the outcome, in whichever process it comes about.
   *
   * @throws the workflow's own error if it failed; {@link CancelledError}; {@link WorkflowTimeoutError};
   * {@link RunDeadError}; {@link RunNotFoundError}; {@link EngineStoppedError} if this engine shuts down meanwhile; the
   * signal's reason once it aborts.
   */
  result(options?: ResultOptions): Promise<Result>;
  /** @throws {@link RunNotFoundError} */
  status(): Promise<RunInfo>;
  /** Asks the run and its attached children to stop; resolves once the request is durable. A finished run stays as it is. */
  cancel(): Promise<void>;
}

/** The run that a start came to. */
export interface StartedRun<Result> extends RunHandle<Result> {
  /** Whether this start made the run; false if it found it, be it that of the same start before a crash. */
  readonly isNew: boolean;
}

/** What a start came to. */
export interface Started {
  readonly workflowId: string;
  readonly isNew: boolean;
  /** What is stored of the trace of a run that was found; null = nothing. */
  readonly trace?: string | null;
}

/** A run that a start is made in. */
export interface CallingRun extends CallerInRun {
  /** What it carries, encoded; null = nothing. */
  readonly carried: string | null;
}

/** What starts runs and answers for them: the engine, or within a run the executor that owns it. */
export interface RunStarter {
  /** What serves whoever asks the engine from outside of its runs; its identity, too, that all its runs have in common. */
  readonly outside: RunStarter;
  /** Where workflows and steps log. */
  readonly runLogger: Logger;
  /** Where transactional steps write. */
  readonly dataSource: DataSource;
  /** What a start that is made here and now takes along; `within` is the run that makes it, if one does. */
  capture(kind: StartKind, within: CallingRun | null): Captured;
  start(request: StartRequest): Promise<Started>;
  /** The encoded outcome of a run: its result, or the error that it ended with. Rejects with the reason of the signal. */
  outcome(workflowId: string, signal: AbortSignal | null): Promise<EncodedOutcome>;
  status(workflowId: string): Promise<RunInfo>;
  cancel(workflowId: string): Promise<void>;
  /** An event later than the one that is known, or what became of the run. Never settles once aborted. */
  event(question: EventQuestion, signal: AbortSignal): Promise<EventAnswer>;
  /** What is in a stream from a place on, or what became of the run. Never settles once aborted. */
  stream(question: StreamQuestion, signal: AbortSignal): Promise<StreamAnswer>;
  /** Resolves once the message is durable, or part of the transaction. */
  send(message: MessageToSend): Promise<void>;
  /** Sends the value to the run that made the token. Resolves once it is durable, or part of the transaction. */
  complete(completion: TokenCompletion): Promise<void>;
  decode(payload: string | null): unknown;
  decodeError(payload: string): unknown;
}

export interface EncodedOutcome {
  readonly payload: string | null;
  readonly failed: boolean;
}

export interface MessageToSend {
  readonly workflowId: string;
  readonly topic: string;
  readonly message: unknown;
  readonly idempotencyKey: string | null; // null = a new message each time
  /** The run that sends it; null = none does, or nothing is traced. */
  readonly from: TracedRun | null;
  readonly transaction: TransactionClient | null; // null = in a commit of its own
}

export interface TokenCompletion {
  readonly token: string;
  readonly value: unknown;
  readonly transaction: TransactionClient | null; // null = in a commit of its own
}

export interface StartRequest {
  readonly definition: WorkflowDefinition;
  readonly args: readonly unknown[];
  readonly options: StartOptions;
  readonly captured: Captured;
  readonly parent: ParentRun | null; // null = not started by a workflow
  readonly transaction: TransactionClient | null; // null = in a commit of its own
}

/** What a child takes over from its parent. */
export interface ParentRun {
  readonly workflowId: string;
  readonly deadlineAt: EpochMs | null; // null = none
}
