import type { EpochMs } from '../seams/clock.js';
import type { RetryMarker } from '../step/retry-marker.js';
import type { Checkpoint, ClaimedRun } from '../store/records.js';
import type { OpenSpan } from '../tracing/traced-run.js';
import { AbortOnDemand } from '../util/abort-on-demand.js';
import { TimerSet } from '../util/timer-set.js';
import type { WorkflowDefinition } from './definition.js';
import { ChildStarts } from './child-starts.js';
import { Deliveries } from './deliveries.js';
import { Effects } from './effects.js';
import { arrangeHistory, type History } from './history.js';
import { type Interruption, interruptionError, isInterruptionKind } from './interruption.js';
import { validateArguments } from './input-schema.js';
import { ReplayCursor } from './replay-cursor.js';
import { type LiveResult, RunCalls } from './run-calls.js';
import { runContext } from './run-context.js';
import { RunEnding } from './run-ending.js';
import { RunIdentity } from './run-identity.js';
import { RunPatches } from './run-patches.js';
import { type Rest, restOf } from './rest.js';
import { type Entry, RunRecorder } from './run-recorder.js';
import { RunSpans } from './run-spans.js';
import { RunStreams } from './run-streams.js';
import type { RunServices } from './run-services.js';

/**
 * One run, executing in this process. States:
 * - *waiting*: a retry of the whole workflow is not due yet.
 * - *replaying*: the workflow's calls are answered from the history, in recorded order; nothing has a side effect.
 * - *live*: the history is exhausted. Calls are performed, and their results are recorded and delivered as they come.
 * - *closed*: for good. The function finished, or was cancelled, or the run went elsewhere. No promise that the workflow
 *   still waits for ever settles, so none of its `catch` or `finally` blocks sees why.
 *
 * All that the function awaits comes through {@link Deliveries}, one at a time. Its progress is therefore a function of
 * the order of deliveries alone, which is what the history records and replays (docs/adr/0001).
 */
export class RunExecution {
  readonly run: ClaimedRun;
  readonly definition: WorkflowDefinition;
  readonly #services: RunServices<RunExecution>;
  readonly #checkpoints: readonly Checkpoint[];
  readonly #history: History;
  readonly #cursor: ReplayCursor;
  readonly #recorder: RunRecorder;
  readonly #streams: RunStreams;
  readonly #spans: RunSpans;
  readonly #ending: RunEnding;
  readonly #deliveries: Deliveries<LiveResult>;
  readonly #effects: Effects;
  readonly #childStarts: ChildStarts;
  readonly #identity: RunIdentity;
  readonly #patches: RunPatches;
  readonly #abort = new AbortOnDemand();
  readonly #calls: RunCalls;
  readonly #timers: TimerSet;
  #isClosed = false;
  #isInvoked = false;
  #time: EpochMs;
  #isFirstHere: boolean; // whether no other code can have led the run to where it is
  #isInterrupted: boolean;
  #interruption: Interruption | null = null; // the one that was delivered

  constructor(
    services: RunServices<RunExecution>,
    definition: WorkflowDefinition,
    run: ClaimedRun,
    checkpoints: readonly Checkpoint[],
  ) {
    this.run = run;
    this.definition = definition;
    this.#services = services;
    this.#checkpoints = checkpoints;
    this.#history = arrangeHistory(checkpoints);
    this.#cursor = new ReplayCursor(this.#history, run.wasParked);
    const { calls, deliveries, lastRetry } = this.#history;
    this.#isInterrupted = deliveries.some(({ kind }) => isInterruptionKind(kind));
    this.#isFirstHere = calls.size + deliveries.length === 0 && run.attempt === (lastRetry?.attempt ?? 1);
    this.#time = lastRetry?.finishedAt ?? run.createdAt;
    this.#identity = new RunIdentity(run, this.#history.retries);
    this.#effects = new Effects(services.clock);
    this.#childStarts = new ChildStarts(() => services.cancelChildren(run.workflowId), run.cancelRequested);
    this.#timers = new TimerSet(services.clock);
    this.#recorder = new RunRecorder({
      run,
      clock: services.clock,
      nextPosition: this.#history.nextPosition,
      append: (item) => services.append(item),
      onRefused: (error) => this.#ending.failed(error),
    });
    this.#streams = new RunStreams(run.workflowId, checkpoints, (change) => this.#recorder.write(change));
    this.#spans = new RunSpans(services.codec);
    this.#ending = new RunEnding({
      run,
      definition,
      history: this.#history,
      cursor: this.#cursor,
      recorder: this.#recorder,
      streams: this.#streams,
      spans: this.#spans,
      seams: services,
      close: () => this.#close(),
      onSettled: (outcome) => services.onSettled(this, outcome),
      onRetry: (retries) => services.onRetry(this, retries),
      onBlocked: (difference) => services.onBlocked(this, difference),
    });
    this.#deliveries = new Deliveries({
      clock: services.clock,
      cursor: this.#cursor,
      deliverRecorded: (checkpoint) => this.#deliver(this.#calls.find(checkpoint.seq), checkpoint),
      onLive: (replayedMs) => this.#goLive(replayedMs),
      deliverLive: (live) => this.#deliverLive(live),
      onStuck: () => this.#blockAtRest(),
      stuckMs: services.stuckMs,
    });
    this.#calls = new RunCalls({
      services,
      cursor: this.#cursor,
      identity: this.#identity,
      effects: this.#effects,
      streams: this.#streams,
      recorder: this.#recorder,
      isClosed: () => this.#isClosed,
      isLive: () => this.#deliveries.isLive,
      onMismatch: (call, callSite) => this.#ending.block({ kind: 'call', call, callSite }),
      onIssued: () => this.#deliveries.settle(),
      onResult: (result) => this.#deliveries.add(result),
      record: (entry, span) => this.#record(entry, span),
    });
    this.#patches = new RunPatches({
      clock: services.clock,
      cursor: this.#cursor,
      isFirstHere: () => this.#isFirstHere && !this.#isClosed,
      record: (entry) => this.#record(entry, null),
    });
  }

  /** Starts or continues the workflow function. */
  begin(): void {
    const { clock, tracing, executorId } = this.#services;
    this.#spans.begin(tracing, this.run, this.#checkpoints, executorId, () => this.#isReplaying);
    if (this.run.deadlineAt !== null) {
      this.#timers.set(this.run.deadlineAt - clock.now(), () => this.interrupt('timed-out'));
    }
    if (this.run.cancelRequested && !this.#isInterrupted) this.#stopChildren(() => this.#start());
    else this.#start();
  }

  #start(): void {
    if (this.#isClosed) return;
    this.#deliveries.release(null);
    if (this.run.cancelRequested && this.definition.onCancel === 'stop') {
      this.#interrupt('cancelled');
      return;
    }
    const { clock, codec } = this.#services;
    const { lastRetry, retries } = this.#history;
    if (retries < this.run.retriesDue) return this.#ending.startAfresh({ retryAt: clock.now(), error: null });
    const waitMs = lastRetry === null ? 0 : (codec.decode(lastRetry.payload) as RetryMarker).retryAt - clock.now();
    if (waitMs > 0) this.#timers.set(waitMs, () => this.#invoke());
    else this.#invoke();
    if (this.run.cancelRequested) this.#interrupt('cancelled');
  }

  /** Cancels the run, or ends it at its deadline. Only the first interruption of a run counts. */
  interrupt(kind: Interruption): void {
    if (this.#isClosed || this.#isInterrupted || this.#childStarts.isStopping) return;
    if (kind === 'cancelled') this.#stopChildren(() => this.#interrupt(kind));
    else this.#interrupt(kind);
  }

  /** Meanwhile nothing is delivered: what children say that were stopped is not for the workflow, which is to hear why. */
  #stopChildren(then: () => void): void {
    const stopped = this.#childStarts.stop();
    if (stopped === null) {
      then();
      return;
    }
    this.#deliveries.hold();
    // Where it fails, the next sweep finds the request to cancel the run again.
    stopped.then(then, () => this.#deliveries.release(null));
  }

  #interrupt(kind: Interruption): void {
    if (this.#isClosed || this.#isInterrupted) return;
    this.#isInterrupted = true;
    if (this.definition.onCancel === 'stop' || !this.#isInvoked) {
      this.#ending.interrupted(kind);
      return;
    }
    const at = this.#services.clock.now();
    const entry: Entry = { kind, seq: -1, name: '', payload: null, failed: true, startedAt: at, finishedAt: at };
    this.#deliveries.release({ call: null, entry });
  }

  /** Stops without a word: the run goes on elsewhere. Where its lease was lost, it may do so already. */
  abandon(isLost: boolean): void {
    this.#close();
    this.#spans.abandoned(isLost);
  }

  /** Lets no further side effect begin; resolves when those under way have ended and their results are recorded. */
  async drain(): Promise<void> {
    this.#effects.stopAdmitting();
    while (!this.#isClosed && (this.#effects.isBusy || this.#deliveries.isBusy)) await this.#effects.change();
  }

  /** What this run waits for, if it does nothing else and all that it did is durable; null if it does something. */
  get rest(): Rest | null {
    const isIdle = this.#deliveries.isLive && !this.#deliveries.isBusy && !this.#effects.isBusy;
    if (this.#isClosed || !isIdle || this.#childStarts.isStopping || this.#recorder.undurable !== null) return null;
    return restOf(this.#calls.all(), this.run.deadlineAt);
  }

  /** How often the whole workflow was retried. */
  get retries(): number {
    return this.#history.retries;
  }

  /** Goes up with everything that happens in the run. */
  get progress(): number {
    return this.#recorder.length + this.#calls.issued;
  }

  /** Whether there was anything to replay. */
  get hasReplayed(): boolean {
    return this.#history.deliveries.length > 0;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get #isReplaying(): boolean {
    return !this.#deliveries.isLive && this.#cursor.leftOver().length > 0;
  }

  #invoke(): void {
    this.#isInvoked = true; // or about to be, once its input is checked: it may have been before, in another process
    const { definition, run } = this;
    const { codec } = this.#services;
    const stored = (): unknown[] => (codec.decode(run.input) ?? []) as unknown[];
    if (!run.unchecked) {
      this.#invokeWith(stored);
      return;
    }
    const check = async (): Promise<unknown[]> => await validateArguments(definition, stored());
    check().then(
      (args) => this.#invokeWith(() => args),
      (error: unknown) => this.#ending.failed(error),
    );
  }

  #invokeWith(args: () => unknown[]): void {
    if (this.#isClosed) return;
    const { carriers, contexts } = this.#services;
    const invocation = async (): Promise<unknown> => await this.definition.fn(...(args() as never[]));
    const context = runContext(this.run, this.#services, {
      identity: this.#identity,
      patches: this.#patches,
      trace: this.#spans.trace,
      abort: this.#abort,
      startChild: (request) => this.#childStarts.start(() => this.#services.starter.start(request)),
      call: (request) => this.#calls.call(request),
      track: (makeCalls) => this.#calls.track(makeCalls),
      isRepeating: () => this.#cursor.isRepeating(this.#calls.issued),
      now: () => this.#time,
    });
    const carrying = async (): Promise<unknown> => await carriers.restore(this.run.context, invocation);
    this.#spans
      .enter(() => contexts.run(context, carrying))
      .then(
        (value) => this.#finish({ value }),
        (thrown: unknown) => this.#finish({ thrown }),
      );
    this.#deliveries.settle();
  }

  #goLive(replayedMs: number): void {
    this.#services.onLive(this, replayedMs);
    this.#calls.goLive();
  }

  #record(entry: Entry, span: OpenSpan | null | undefined): void {
    const { durable } = this.#recorder.record(entry);
    this.#spans.recorded(entry, span, durable);
  }

  #deliverLive({ call, entry, writes, span }: LiveResult): void {
    this.#isFirstHere = true;
    this.#cursor.passedEnd();
    // A call that was interrupted meanwhile has been answered.
    if (call === null || this.#calls.isOpen(call)) {
      const streamed = writes === undefined ? undefined : this.#streams.place(entry.seq, writes);
      this.#record(streamed === undefined ? entry : { ...entry, streamed }, span);
      this.#deliver(call, entry);
    } else {
      span?.discard();
      if (entry.consumed !== undefined) this.#calls.returned(entry.consumed.no);
    }
    this.#effects.changed();
  }

  #deliver(call: LiveResult['call'], result: Pick<Entry, 'kind' | 'payload' | 'failed' | 'finishedAt'>): void {
    this.#time = Math.max(this.#time, result.finishedAt);
    if (isInterruptionKind(result.kind)) {
      this.#deliverInterruption(result.kind);
      return;
    }
    if (call !== null) this.#calls.settle(call, result);
  }

  #deliverInterruption(kind: Interruption): void {
    this.#interruption = kind;
    this.#calls.interrupt(interruptionError(kind, this.run));
  }

  /** The function has returned or thrown. */
  #finish(result: { readonly value: unknown } | { readonly thrown: unknown }): void {
    if (!this.#isClosed) this.#ending.finished(result, this.#interruption);
  }

  /** Without an open call it waits for something that will come: what restores its surroundings, say. */
  #blockAtRest(): void {
    if (this.#calls.all().length > 0) this.#ending.block({ kind: 'rest' });
  }

  /** False if it was closed already. */
  #close(): boolean {
    if (this.#isClosed) return false;
    this.#isClosed = true;
    this.#deliveries.stop();
    this.#timers.cancelAll();
    this.#calls.close();
    this.#abort.abort();
    this.#effects.changed();
    return true;
  }
}
