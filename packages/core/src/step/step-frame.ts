import type { TransactionClient } from '../database/database.js';
import type { TracedRun } from '../tracing/traced-run.js';
import { never } from '../util/never.js';
import type { Seams, StepContext, StepInfo, WorkflowContext } from '../workflow/context.js';
import type { OpenCall } from '../workflow/durable-call.js';
import type { CallStreams } from '../workflow/run-streams.js';
import type { RunStarter } from '../workflow/run-starter.js';

/** What all that a try of a step calls has in common. */
export interface TryState {
  /** This try of the step, from 1. */
  readonly attempt: number;
  /** Where the step has a timeout: aborts when it is over, too; null = the call's. */
  readonly signal: AbortSignal | null;
  /** How many runs without an id it has started. */
  runs: number;
  /** Whether the try has ended, whatever its body still does. */
  isOver: boolean;
}

/**
 * What the body of a step runs in, for one try. What it has set going and left behind, such as a listener of a connection
 * that it was the first to need, is in here for good, and is served from outside once the body has returned.
 *
 * A class that makes nothing before it is asked: there is one for each step.
 */
export class StepFrame implements StepContext {
  readonly kind = 'step';
  readonly #transaction: TransactionClient | null;
  readonly #run: WorkflowContext;
  readonly #call: OpenCall;
  readonly #try: TryState;
  #hasReturned = false;

  constructor(run: WorkflowContext, call: OpenCall, state: TryState, transaction: TransactionClient | null) {
    this.#run = run;
    this.#call = call;
    this.#try = state;
    this.#transaction = transaction;
  }

  get workflowId(): string {
    return this.#run.workflowId;
  }

  get workflowName(): string {
    return this.#run.workflowName;
  }

  get attempt(): number {
    return this.#run.attempt;
  }

  get signal(): AbortSignal {
    return this.#try.signal ?? this.#call.signal;
  }

  get starter(): RunStarter {
    const { starter } = this.#run;
    return this.#hasReturned ? starter.outside : starter;
  }

  get transaction(): TransactionClient | null {
    return this.#hasReturned ? null : this.#transaction;
  }

  get seams(): Seams {
    return this.#run.seams;
  }

  get step(): StepInfo {
    return { name: this.#call.name, seq: this.#call.seq, attempt: this.#try.attempt };
  }

  get idempotencyKey(): string {
    return this.#call.idempotencyKey;
  }

  get carried(): string | null {
    return this.#run.carried;
  }

  get trace(): TracedRun | null {
    return this.#run.trace;
  }

  get storedTrace(): string | null {
    return this.#run.storedTrace;
  }

  get streams(): CallStreams {
    const { isClosed, write } = this.#call.streams;
    // A body that goes on although its time is over writes nothing that the next try would have to answer for.
    return { isClosed, write: (writes) => (this.#try.isOver ? never() : write(writes)) };
  }

  returned(): void {
    this.#hasReturned = true;
  }

  nextChildId(): string | undefined {
    return this.#hasReturned ? undefined : `${this.#call.idempotencyKey}.${this.#try.runs++}`;
  }
}
