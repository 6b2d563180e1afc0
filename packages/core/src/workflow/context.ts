import type { AsyncLocalStorage } from 'node:async_hooks';
import type { Codec } from '../codec/codec.js';
import type { TransactionClient } from '../database/database.js';
import type { Metrics } from '../metrics/metrics.js';
import type { Clock, EpochMs } from '../seams/clock.js';
import type { Random } from '../seams/random.js';
import type { TracedRun } from '../tracing/traced-run.js';
import type { Carriers } from './carriers.js';
import type { DurableCall } from './durable-call.js';
import type { Mailbox } from './mailbox.js';
import type { RunStarter, Started, StartRequest } from './run-starter.js';
import type { CallStreams } from './run-streams.js';

/** What the code around a run works with; nothing of it is for users. */
export interface Seams {
  readonly clock: Clock;
  readonly random: Random;
  readonly codec: Codec;
  readonly metrics: Metrics;
  readonly contexts: ContextStorage;
  readonly mailbox: Mailbox;
  readonly carriers: Carriers;
}

/** The run that a workflow function executes in. */
export interface WorkflowContext {
  readonly kind: 'workflow';
  readonly workflowId: string;
  readonly workflowName: string;
  readonly attempt: number;
  readonly signal: AbortSignal;
  readonly starter: RunStarter;
  readonly seams: Seams;
  readonly deadlineAt: EpochMs | null; // null = none
  /** What the run carries, encoded; null = nothing. */
  readonly carried: string | null;
  readonly trace: TracedRun | null; // null = nothing is traced in this process
  /** What is stored of the run's trace; null = nothing. */
  readonly storedTrace: string | null;
  /** Makes a child durable. Never settles once the run is being cancelled. */
  startChild(request: StartRequest): Promise<Started>;
  call(call: DurableCall): Promise<unknown>;
  /** Makes calls that can be given up as long as they are open: the workflow then never hears of them again. */
  track<T>(makeCalls: () => T): { readonly made: T; readonly giveUp: () => void };
  /** The id of a child that is started without one; the same in every replay. */
  nextChildId(): string;
  /** A secret that is the same in every replay. */
  nextToken(): string;
  /** Whether an earlier execution has come past where the code is now: what is said twice need not be heard twice. */
  isRepeating(): boolean;
  /** Whether the run takes the new way at a change of its code. */
  patched(id: string): boolean;
  /** The code takes no other way than the new one. */
  deprecatePatch(id: string): void;
  now(): EpochMs;
  uuid(): string;
  random(): number;
}

/** The body of a step. */
export interface StepContext {
  readonly kind: 'step';
  readonly workflowId: string;
  readonly workflowName: string;
  readonly attempt: number;
  readonly signal: AbortSignal;
  readonly starter: RunStarter;
  readonly seams: Seams;
  readonly step: StepInfo;
  readonly idempotencyKey: string;
  /** What the run carries, encoded; null = nothing. */
  readonly carried: string | null;
  readonly trace: TracedRun | null; // null = nothing is traced in this process
  /** What is stored of the run's trace; null = nothing. */
  readonly storedTrace: string | null;
  /** What the body writes with, if its data and its checkpoint are one transaction; null otherwise. */
  readonly transaction: TransactionClient | null;
  readonly streams: CallStreams;
  /**
   * The id of a run that the body starts without one: a second attempt finds the run of the first. Undefined once the body has
   * returned: what it has left behind repeats nothing.
   */
  nextChildId(): string | undefined;
}

export interface StepInfo {
  readonly name: string;
  /** The step's number within the run. */
  readonly seq: number;
  /** This try of the step, from 1. */
  readonly attempt: number;
}

/** What ids the runs get that are started without one; undefined = a random one. Asked at once, in the order of the starts. */
export type RunNaming = (workflowName: string) => string | undefined | Promise<string | undefined>;

/** Outside any run, but with an engine chosen. */
export interface EngineContext {
  readonly kind: 'engine';
  readonly engine: { readonly starter: RunStarter };
  readonly starter: RunStarter;
  readonly runIdFor: RunNaming | null; // null = ids are random
  /** What an adapter hangs on it: a request, say; null = nothing. */
  readonly scope: object | null;
}

export type Context = WorkflowContext | StepContext | EngineContext;

export type ContextStorage = AsyncLocalStorage<Context>;
