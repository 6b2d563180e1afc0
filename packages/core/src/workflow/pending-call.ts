import type { Checkpoint, CheckpointKind } from '../store/records.js';
import type { OpenSpan } from '../tracing/traced-run.js';
import type { AbortOnDemand } from '../util/abort-on-demand.js';
import type { Deferred } from '../util/deferred.js';
import { never } from '../util/never.js';
import type { CallResult, DurableCall, LongWait, OpenCall } from './durable-call.js';
import type { Effects } from './effects.js';
import type { IssuedCall } from './replay-cursor.js';
import type { CallStreams } from './run-streams.js';

/** A call that the workflow has made and that has not been answered. */
export interface PendingCall extends IssuedCall {
  readonly request: DurableCall;
  readonly promise: Deferred<unknown>;
  readonly abort: AbortOnDemand;
  /** What it waits for, where it does nothing else. */
  wait: LongWait | null;
}

/** What the calls of one run share. */
export interface CallHost {
  readonly retries: number;
  readonly received: Set<number>;
  readonly effects: Effects;
  readonly isPending: (call: PendingCall) => boolean;
  /** What a side effect has to wait for now; null if nothing. */
  readonly undurable: () => Promise<unknown> | null;
  readonly idempotencyKeyOf: (call: PendingCall) => string;
  readonly streamsOf: (call: PendingCall) => CallStreams;
  /** Takes back what the call has written to streams. */
  readonly rollBack: (call: PendingCall) => void;
  readonly mark: (
    call: PendingCall,
    kind: CheckpointKind,
    payload: string | null,
    startedAt: number,
    span: OpenSpan | null | undefined,
  ) => void;
  readonly complete: (call: PendingCall, result: CallResult) => void;
}

/** What performs a pending call sees of its run. A class, because there is one for each step. */
export class PerformedCall implements OpenCall {
  readonly seq: number;
  readonly name: string;
  readonly markers: readonly Checkpoint[];
  readonly #call: PendingCall;
  readonly #run: CallHost;

  constructor(call: PendingCall, run: CallHost, markers: readonly Checkpoint[]) {
    this.seq = call.seq;
    this.name = call.name;
    this.markers = markers;
    this.#call = call;
    this.#run = run;
  }

  get retries(): number {
    return this.#run.retries;
  }

  get received(): Set<number> {
    return this.#run.received;
  }

  get isAborted(): boolean {
    return this.#call.abort.isAborted;
  }

  get signal(): AbortSignal {
    return this.#call.abort.signal;
  }

  get idempotencyKey(): string {
    return this.#run.idempotencyKeyOf(this.#call);
  }

  get streams(): CallStreams {
    const { isClosed, write } = this.#run.streamsOf(this.#call);
    return { isClosed, write: (writes) => (this.#isPending ? write(writes) : never()) };
  }

  rollBack(): void {
    if (this.#isPending) this.#run.rollBack(this.#call);
  }

  async permission(): Promise<void> {
    const { undurable, effects } = this.#run;
    for (let wait = undurable(); wait !== null; wait = undurable()) await wait;
    if (!effects.isAdmitting || !this.#isPending) await never();
  }

  track<T>(effect: Promise<T>): Promise<T> {
    return this.#run.effects.track(effect);
  }

  rest(wait: LongWait | null): void {
    this.#call.wait = wait;
  }

  mark(kind: CheckpointKind, payload: string | null, startedAt: number, span?: OpenSpan | null): void {
    if (this.#isPending) this.#run.mark(this.#call, kind, payload, startedAt, span);
    else span?.discard();
  }

  complete(result: CallResult): void {
    if (this.#isPending) {
      this.#run.complete(this.#call, result);
      return;
    }
    result.span?.discard();
    if (result.consumed !== undefined) this.#run.received.delete(result.consumed.no);
  }

  get #isPending(): boolean {
    return this.#run.isPending(this.#call);
  }
}
