import type { Attributes, Context, Link, SpanContext, SpanKind } from '@opentelemetry/api';
import type { EpochMs } from '../seams/clock.js';
import type { OutcomeKind } from '../store/records.js';
import type { Ancestor } from './stored-trace.js';

/** Who starts a run: a caller who waits for it, one who doesn't, a workflow, or a schedule. */
export type StartKind = 'inline' | 'handle' | 'child' | 'schedule';

/** What a start takes along of the trace that it is made in. */
export type CapturedTrace =
  | {
      readonly kind: StartKind;
      /** What the start hangs on; null = a root. */
      readonly context: Context | null;
      readonly links: readonly Link[];
      /** The `run` that makes the start; null = none does. */
      readonly above: Ancestor | null;
      readonly depth: number;
    }
  /** Nothing is traced here, but the run that makes the start has a trace, which goes on. */
  | { readonly kind: 'passed-on'; readonly stored: string };

/** How a run left this process. */
export type RunFate = OutcomeKind | 'suspended' | 'blocked' | 'retried';

/** What something failed with. */
export interface Failure {
  readonly error: unknown;
}

/** A span that waits for what it stands for to be durable: what was not recorded did not happen. */
export interface OpenSpan {
  /** Calls a function with this as the active span. */
  enter<T>(fn: () => T): T;
  /** What it stands for is over, and will be recorded. */
  over(failure: Failure | null): void;
  /** That is durable. */
  recorded(): void;
  /** Nobody will know of it. */
  discard(): void;
}

/** A wait that is over. */
export interface WaitToTrace {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes: Attributes;
  readonly links: readonly SpanContext[];
  readonly startedAt: EpochMs;
  readonly finishedAt: EpochMs;
}

/** A step, as its run calls it. */
export interface TracedStep {
  readonly seq: number;
  readonly name: string;
}

/** The spans of a run for as long as this process executes it. */
export interface TracedRun {
  /** What is made within the run hangs on this. */
  readonly base: Context;
  /** Calls the workflow function. */
  enter<T>(fn: () => T): T;
  /**
   * A try of a step is about to begin; null where steps are not traced.
   *
   * @param issuedAt what the workflow's time was when it called the step: the same in every replay
   */
  stepTry(step: TracedStep, tryNo: number, issuedAt: EpochMs): OpenSpan | null;
  /**
   * A process died in a try of a step that needs no other: its transaction had committed. Whoever dies there has not sent the
   * span, on which others may hang that it had.
   */
  tryWasLost(step: TracedStep, tryNo: number, issuedAt: EpochMs): void;
  /** The workflow has waited, and takes what it waited for; null where waits are not traced. */
  waited(wait: WaitToTrace, failure: Failure | null): OpenSpan | null;
  /** This process has recorded something of its own: from here on, nobody has been before. */
  progressed(): void;
  /**
   * What a start takes along that is made in the function or in a step: the run's anchor, not a span that may be lost.
   *
   * @param active the span of the step; null = the function itself makes it
   */
  origin(kind: StartKind, active: SpanContext | null): CapturedTrace;
  /** The run has ended here, and that is durable. */
  end(fate: RunFate, failure: Failure | null): void;
  /** Another process takes the run over, and says what this one could not. */
  lose(): void;
}

/** Where something is called from: a workflow function, or the body of a step. */
export interface CallerInRun {
  readonly kind: 'workflow' | 'step';
  readonly trace: TracedRun | null; // null = nothing is traced in this process
  /** What is stored of the run's trace; null = nothing. */
  readonly storedTrace: string | null;
}
