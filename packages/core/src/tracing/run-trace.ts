import {
  type Attributes,
  context,
  type Context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  trace,
  type Tracer,
} from '@opentelemetry/api';
import type { Clock, EpochMs } from '../seams/clock.js';
import { wallMs } from '../seams/wall-clock.js';
import type { ClaimedRun } from '../store/records.js';
import { processState } from '../workflow/process-state.js';
import { runAttributes } from './attributes.js';
import { BodySpan } from './body-span.js';
import { derivedId, runKey, tryKey } from './derived-ids.js';
import { LiveSpan } from './open-span.js';
import type { Place } from './place.js';
import type { RunBefore } from './run-before.js';
import { anchorEnd, dropAnchor, linkTo, markFailed, startSpan } from './spans.js';
import { decodeBaggage, type StoredTrace } from './stored-trace.js';
import type { TakeOver } from './take-over.js';
import type {
  CapturedTrace,
  Failure,
  OpenSpan,
  RunFate,
  StartKind,
  TracedRun,
  TracedStep,
  WaitToTrace,
} from './traced-run.js';

/** More children than that in one trace, and nobody finds anything in it. */
const childrenInTraceMax = 1_000;

/**
 * The spans of a run for as long as this process executes it: a `run` that has ended already and that everything hangs on,
 * beside it the bar `execute` from beginning to end, and what the workflow does live. A replayed call makes none.
 */
export class RunTrace implements TracedRun {
  readonly #tracer: Tracer;
  readonly #run: ClaimedRun;
  readonly #clock: Clock;
  readonly #executorId: string;
  readonly #before: RunBefore;
  readonly #place: Place;
  readonly #depth: number;
  readonly #hasSteps: boolean;
  readonly #anchor: SpanContext;
  readonly #anchoredAt: EpochMs;
  readonly #madeAt: EpochMs;
  /** When the start was made, by the clock of whoever made it: nothing may seem to have begun before. */
  readonly #earliest: EpochMs;
  readonly #bar: Span;
  /** What its spans are made in: its anchor and the baggage. */
  readonly #base: Context;
  readonly #body: Context;
  readonly #takeOver: TakeOver | null; // null = no process died under it
  readonly #hasGivenIds: boolean;
  readonly #open = new Set<LiveSpan>();
  /** Those of them whose ids another process knows. */
  readonly #tries = new Set<LiveSpan>();
  /** The caller who waits for the run, in this process; null = none does. */
  readonly #callerId: string | null;
  #children = 0;
  #isEnded = false;

  constructor(options: {
    readonly tracer: Tracer;
    readonly run: ClaimedRun;
    readonly stored: StoredTrace | null;
    readonly place: Place;
    readonly before: RunBefore;
    /** The trace that this one continues; null = none. */
    readonly previousTraceId: string | null;
    readonly clock: Clock;
    readonly executorId: string;
    /** No other execution of this executor has the same. */
    readonly executionNo: number;
    readonly hasSteps: boolean;
    /** Whether an id generator is set up that knows of given ids. */
    readonly givesIds: boolean;
    readonly takeOver: TakeOver | null;
    readonly isReplaying: () => boolean;
  }) {
    const { tracer, run, stored, place, before, clock, executorId, takeOver } = options;
    this.#tracer = tracer;
    this.#run = run;
    this.#clock = clock;
    this.#executorId = executorId;
    this.#before = before;
    this.#place = place;
    this.#hasSteps = options.hasSteps;
    this.#takeOver = takeOver;
    this.#callerId = stored?.isAwaited === true && stored.anchors[0].maker === executorId ? stored.callerId : null;
    this.#depth = (stored?.depth ?? -1) + 1;
    const baggage = stored?.baggage ?? null;
    const plain = baggage === null ? ROOT_CONTEXT : propagation.setBaggage(ROOT_CONTEXT, decodeBaggage(baggage));
    const around = place.parent === null ? plain : trace.setSpanContext(plain, place.parent);
    const spanId = options.givesIds ? derivedId(runKey(run, executorId, options.executionNo)) : null;
    this.#madeAt = clock.now();
    this.#earliest = stored?.startedAt ?? 0;
    this.#anchoredAt = Math.max(wallMs(), this.#earliest);
    const anchor = dropAnchor(
      tracer,
      `run ${run.name}`,
      {
        kind: SpanKind.CONSUMER,
        attributes: this.#anchorAttributes(options.previousTraceId),
        links: place.links.map(linkTo),
      },
      around,
      {
        startedAt: this.#anchoredAt,
        depth: this.#depth,
        ids: spanId === null ? null : { spanId, traceId: place.traceId },
      },
    );
    this.#anchor = anchor.spanContext();
    this.#hasGivenIds = spanId !== null && this.#anchor.spanId === spanId;
    if (this.#hasGivenIds) takeOver?.callerWasLost(tracer, plain);
    this.#base = trace.setSpan(plain, trace.wrapSpanContext(this.#anchor));
    takeOver?.runWasLost(tracer, this.#aroundLost(), this.#depth);
    this.#bar = startSpan(tracer, `execute ${run.name}`, { attributes: runAttributes(run) }, this.#base, null);
    this.#body = trace.setSpan(this.#base, new BodySpan(this.#anchor, this.#bar, options.isReplaying));
  }

  enter<T>(fn: () => T): T {
    return context.with(this.#body, fn);
  }

  stepTry(step: TracedStep, tryNo: number, issuedAt: EpochMs): OpenSpan | null {
    if (!this.#hasSteps || this.#isEnded) return null;
    this.tryWasLost(step, tryNo, issuedAt);
    const attributes = { ...tryAttributes(step, tryNo), 'code.function.name': step.name };
    return this.#live(`step ${step.name}`, attributes, this.#keyOf(step, tryNo, this.#run.attempt));
  }

  tryWasLost(step: TracedStep, tryNo: number, issuedAt: EpochMs): void {
    if (!this.#hasSteps || this.#isEnded || !this.#hasGivenIds) return;
    const attributes = tryAttributes(step, tryNo);
    const keyOf = (attempt: number): string => this.#keyOf(step, tryNo, attempt);
    this.#takeOver?.tryWasInterrupted(this.#tracer, this.#aroundLost(), { attributes, issuedAt, keyOf });
  }

  #keyOf({ seq }: TracedStep, tryNo: number, attempt: number): string {
    return tryKey(this.#run, { attempt, retries: this.#before.retries, seq, tryNo });
  }

  waited(wait: WaitToTrace, failure: Failure | null): OpenSpan | null {
    if (!this.#hasSteps || this.#isEnded) return null;
    const shift = wallMs() - this.#clock.now();
    const since = Math.max(wait.startedAt + shift, this.#earliest);
    // What began before this process took the run hangs beside its `run`, not below it.
    const isOlder = since < this.#anchoredAt && this.#place.parent !== null;
    const around =
      isOlder && this.#place.parent !== null ? trace.setSpanContext(this.#base, this.#place.parent) : this.#base;
    const startTime = isOlder ? since : Math.max(since, this.#anchoredAt);
    const endTime = Math.max(wait.finishedAt + shift, startTime);
    const span = this.#tracer.startSpan(
      wait.name,
      {
        kind: wait.kind,
        startTime,
        attributes: { ...runAttributes(this.#run), ...wait.attributes },
        links: wait.links.map(linkTo),
      },
      around,
    );
    const open = this.#opened(new LiveSpan(span, around, anchorEnd(endTime, this.#depth + 1), this.#forget));
    open.over(failure);
    return open;
  }

  progressed(): void {
    this.#takeOver?.over();
  }

  origin(kind: StartKind, active: SpanContext | null): CapturedTrace {
    this.#children += 1;
    const isFull = this.#children > childrenInTraceMax;
    const links = [...(active === null ? [] : [linkTo(active)]), ...(isFull ? [linkTo(this.#anchor)] : [])];
    const above = { spanId: this.#anchor.spanId, madeAt: this.#madeAt, maker: this.#executorId };
    if (isFull) return { kind, context: null, links, above: null, depth: 0 };
    return { kind, context: this.#base, links, above, depth: this.#depth + 1 };
  }

  get base(): Context {
    return this.#base;
  }

  end(fate: RunFate | 'lost', failure: Failure | null): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    for (const span of this.#open) span.discard();
    if (failure !== null) markFailed(this.#bar, failure.error);
    this.#bar.setAttribute('perdure.outcome', fate);
    this.#bar.end();
  }

  lose(): void {
    if (this.#hasGivenIds) {
      for (const span of this.#tries) span.forget();
      if (this.#callerId !== null) processState().spanIds.givenAway.add(this.#callerId);
    }
    this.end('lost', null);
  }

  #live(name: string, attributes: Attributes, key: string): OpenSpan {
    const ids = this.#hasGivenIds ? { spanId: derivedId(key), traceId: null } : null;
    const span = startSpan(
      this.#tracer,
      name,
      { attributes: { ...runAttributes(this.#run), ...attributes } },
      this.#base,
      ids,
    );
    const open = this.#opened(new LiveSpan(span, this.#base, null, this.#forget));
    if (this.#hasGivenIds) this.#tries.add(open);
    return open;
  }

  #opened(span: LiveSpan): LiveSpan {
    this.#open.add(span);
    return span;
  }

  readonly #forget = (span: LiveSpan): void => {
    this.#open.delete(span);
    this.#tries.delete(span);
  };

  /** Where spans of a process that died hang: where this one's `run` does, or below that if it begins a trace of its own. */
  #aroundLost(): Context {
    const { parent, traceId } = this.#place;
    if (parent !== null) return trace.setSpanContext(this.#base, parent);
    return traceId !== null && this.#hasGivenIds ? trace.deleteSpan(this.#base) : this.#base;
  }

  #anchorAttributes(previousTraceId: string | null): Attributes {
    const { queue, attempt, waitedMs } = this.#run;
    const { reason, replayedSteps } = this.#before;
    return {
      ...runAttributes(this.#run),
      'perdure.attempt': attempt,
      'perdure.run.reason': reason,
      'perdure.replayed_steps': replayedSteps,
      'perdure.executor.id': this.#executorId,
      ...(queue === null || waitedMs === null || attempt > 1
        ? {}
        : { 'perdure.queue.wait': Math.max(0, waitedMs) / 1_000 }),
      ...(previousTraceId === null ? {} : { 'perdure.previous.trace_id': previousTraceId }),
    };
  }
}

const tryAttributes = ({ name, seq }: TracedStep, tryNo: number): Attributes => ({
  'perdure.step.name': name,
  'perdure.step.seq': seq,
  'perdure.step.try': tryNo,
});
