import type { Codec } from '../codec/codec.js';
import type { Checkpoint, ClaimedRun } from '../store/records.js';
import type { OpenSpan, RunFate, TracedRun } from '../tracing/traced-run.js';
import type { Tracing } from '../tracing/tracing.js';
import { waitOf } from '../tracing/waits.js';
import type { Entry } from './run-recorder.js';

/** What was encoded of an error; null = nothing failed. */
type EncodedFailure = string | null;

/** What a run that executes here tells its trace, if it has one. */
export class RunSpans {
  readonly #codec: Codec;
  #trace: TracedRun | null = null; // null = nothing is traced

  constructor(codec: Codec) {
    this.#codec = codec;
  }

  get trace(): TracedRun | null {
    return this.#trace;
  }

  begin(
    tracing: Tracing,
    run: ClaimedRun,
    checkpoints: readonly Checkpoint[],
    executorId: string,
    isReplaying: () => boolean,
  ): void {
    this.#trace = tracing.run(run, checkpoints, executorId, isReplaying);
  }

  /** Calls the workflow function. */
  enter<T>(fn: () => T): T {
    return this.#trace === null ? fn() : this.#trace.enter(fn);
  }

  /** Something was recorded live; its span ends once that is durable. */
  recorded(entry: Entry, span: OpenSpan | null | undefined, durable: Promise<void>): void {
    const trace = this.#trace;
    if (trace === null) return;
    trace.progressed();
    const wait = waitOf(entry);
    const ended = wait === null ? span : trace.waited(wait, this.#failure(entry.failed ? entry.payload : null));
    if (ended != null) void durable.then(() => ended.recorded());
  }

  ended(fate: RunFate, failure: EncodedFailure): void {
    this.#trace?.end(fate, this.#failure(failure));
  }

  /** The run goes on elsewhere; where its lease was lost, it may do so already. */
  abandoned(isLost: boolean): void {
    if (isLost) this.#trace?.lose();
    else this.ended('suspended', null);
  }

  #failure(payload: EncodedFailure): { readonly error: unknown } | null {
    return payload === null ? null : { error: this.#codec.decodeError(payload) };
  }
}
