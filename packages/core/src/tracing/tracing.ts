import { type Attributes, context, type Context, ROOT_CONTEXT, type SpanKind, trace } from '@opentelemetry/api';
import type { Clock, EpochMs } from '../seams/clock.js';
import type { Logger } from '../seams/logger.js';
import { wallMs } from '../seams/wall-clock.js';
import type { LostExecutor } from '../store/executors.js';
import type { UntoldRun } from '../store/ownership.js';
import type { Checkpoint, ClaimedRun } from '../store/records.js';
import { processState } from '../workflow/process-state.js';
import { derivedTraceId, ownTraceKey } from './derived-ids.js';
import { GuardedTracer } from './guarded-tracer.js';
import { lostStarter, tellOfCaller } from './lost-caller.js';
import { tellOfStart } from './lost-start.js';
import { placeOf } from './place.js';
import { RequestSpan } from './request-span.js';
import { lastPause, runBefore } from './run-before.js';
import { RunTrace } from './run-trace.js';
import { type RunToTrace, StartSpan, type WaitingCaller } from './start-span.js';
import { decodeTrace, encodeTrace } from './stored-trace.js';
import { isAwaited } from './surroundings.js';
import { TakeOver } from './take-over.js';
import type { CallerInRun, CapturedTrace, StartKind, TracedRun } from './traced-run.js';
import { registeredTracer } from './tracer.js';
import type { ResolvedTracing } from './tracing-options.js';

/** How long an SDK may keep a span that has ended, as it is configured by default, and a second. */
const exportDelayMs = 6_000;

/** As many callers may wait at a time. */
const waitingMax = 10_000;

/**
 * Traces for one engine or client, by way of the SDK that the application has registered. Where there is none, all of it
 * answers null, and nothing is made for it.
 */
export class Tracing {
  readonly #options: ResolvedTracing | null;
  readonly #clock: Clock;
  readonly #logger: Pick<Logger, 'warn'>;
  #hasWarned = false;
  /** What waits for the database, and may do so for ever once the engine stops. */
  readonly #starts = new Set<StartSpan>();
  readonly #requests = new Set<RequestSpan>();
  /** The callers that wait for what was started here last, by the ids of the runs. */
  readonly #waiting = new Map<string, WaitingCaller>();
  #executions = 0;

  constructor(options: ResolvedTracing | null, clock: Clock, logger: Pick<Logger, 'warn'>) {
    this.#options = options;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** What a start that is made here and now takes along. */
  capture(kind: StartKind, within: CallerInRun | null): CapturedTrace | null {
    const stored = within?.storedTrace ?? null;
    if (this.#options === null || registeredTracer() === null) return stored === null ? null : passedOn(stored);
    if (within === null) {
      const active = context.active();
      const given = kind === 'handle' && isAwaited(active) ? 'inline' : kind;
      return { kind: given, context: active, links: [], above: null, depth: 0 };
    }
    if (within.trace === null) return stored === null ? null : passedOn(stored);
    const active = within.kind === 'step' ? (trace.getSpanContext(context.active()) ?? null) : null;
    return within.trace.origin(kind, active);
  }

  /** @param maker the executor that makes the start; null = a process without one */
  start(captured: CapturedTrace | null, run: RunToTrace, maker: string | null): StartSpan | null {
    if (captured === null || captured.kind === 'passed-on' || this.#options === null) return null;
    const tracer = this.#tracer();
    if (tracer === null) return null;
    const span = new StartSpan(tracer, run, captured, {
      baggage: this.#options.baggage,
      maker,
      now: this.#clock.now(),
      onEnd: (ended) => {
        this.#starts.delete(ended);
        if (ended.waiting !== null) this.#remember(run.workflowId, ended.waiting);
      },
    });
    this.#starts.add(span);
    return span;
  }

  /** A process begins to execute a run. */
  run(
    run: ClaimedRun,
    checkpoints: readonly Checkpoint[],
    executorId: string,
    isReplaying: () => boolean,
  ): TracedRun | null {
    const options = this.#options;
    if (options === null) return null;
    const tracer = this.#tracer();
    if (tracer === null) return null;
    const clock = this.#clock;
    const stored = decodeTrace(run.trace);
    const before = runBefore(run, checkpoints);
    const { spanIds } = processState();
    const { splitAfterMs } = options;
    const starter = lostStarter(run, stored);
    const shiftMs = wallMs() - clock.now();
    const givesIds = spanIds.exportDelayMs !== null;
    const pausedAt = splitAfterMs === null ? null : lastPause(run, checkpoints, splitAfterMs, clock.now());
    const isSplit = stored !== null && pausedAt !== null;
    const place = placeOf(stored, {
      mode: options.mode,
      isSplit,
      ownTraceId: givesIds ? derivedTraceId(ownTraceKey(run, pausedAt)) : null,
      deaths: starter === null ? before.deaths : [...before.deaths, starter],
      exportDelayMs: spanIds.exportDelayMs ?? exportDelayMs,
      givesIds,
      tellsOfCaller: stored !== null && stored.anchors[0].maker === before.predecessor?.executorId,
    });
    const { predecessor: death, lastAt } = before;
    this.#executions += 1;
    return new RunTrace({
      tracer,
      run,
      stored,
      place,
      before,
      previousTraceId: isSplit ? stored.traceId : null,
      clock,
      executorId,
      executionNo: this.#executions,
      hasSteps: options.hasSteps,
      givesIds,
      takeOver: death === null ? null : new TakeOver({ run, stored, place, death, lastAt, shiftMs }),
      isReplaying,
    });
  }

  /** Whether this process can tell of spans that were lost with others: it can give them their ids. */
  get tellsOfOthers(): boolean {
    return this.#options !== null && registeredTracer() !== null && processState().spanIds.exportDelayMs !== null;
  }

  /** The processes in which callers waited for these runs were found dead. */
  callersWereLost(runs: readonly UntoldRun[]): void {
    const tracer = this.#tracer();
    if (tracer === null) return;
    for (const run of runs) {
      const stored = decodeTrace(run.trace);
      if (stored !== null) tellOfCaller(tracer, ROOT_CONTEXT, run, stored, wallMs());
    }
  }

  /** The processes that had started these runs were found dead, and others had begun them before that. */
  startersWereLost(
    runs: readonly UntoldRun[],
    lost: readonly LostExecutor[],
    toldCallersOf: ReadonlySet<string>,
  ): void {
    const tracer = this.#tracer();
    if (tracer === null) return;
    for (const run of runs) {
      const stored = decodeTrace(run.trace);
      if (stored !== null) tellOfStart(tracer, run, { stored, lost, isCallerTold: toldCallersOf.has(run.workflowId) });
    }
  }

  /** The spans of all starts that this process made before then have been sent; null = nobody keeps account of them. */
  sentUntil(): EpochMs | null {
    const { sentStarts } = processState().spanIds;
    return sentStarts === null || !this.tellsOfOthers ? null : (sentStarts.oldestUnsent() ?? wallMs());
  }

  /** @returns what ends it */
  onStartsSent(listener: () => void): () => void {
    const { sentStarts } = processState().spanIds;
    sentStarts?.listeners.add(listener);
    return () => void sentStarts?.listeners.delete(listener);
  }

  /**
   * An executor of this process is taken for dead, and others tell of the callers that wait here for what it has started.
   * Nobody may hear any more what became of the starts that are under way; those that are made again on the next executor
   * end with that.
   */
  takenForDead(executorId: string): void {
    const { givenAway } = processState().spanIds;
    for (const [workflowId, { callerId, maker }] of this.#waiting) {
      if (maker !== executorId) continue;
      if (this.tellsOfOthers) givenAway.add(callerId);
      this.#waiting.delete(workflowId);
    }
    for (const start of this.#starts) {
      if (start.maker !== executorId) continue;
      start.lostItsMaker();
      this.#starts.delete(start);
    }
  }

  /** It is known here what became of a run: whoever waited for that goes on, and is nobody else's to tell of. */
  settled(workflowId: string): void {
    this.#waiting.delete(workflowId);
  }

  /** Something is asked of a run: in a run, as part of its trace, and else of whatever is active. */
  request(name: string, kind: SpanKind, attributes: Attributes, within: TracedRun | null): RequestSpan | null {
    const tracer = this.#options === null ? null : this.#tracer();
    if (tracer === null) return null;
    const around: Context = within?.base ?? context.active();
    const span = new RequestSpan(tracer, name, { kind, attributes }, around, (ended) => this.#requests.delete(ended));
    this.#requests.add(span);
    return span;
  }

  #tracer(): GuardedTracer | null {
    const tracer = registeredTracer();
    return tracer === null ? null : new GuardedTracer(tracer, this.#warn);
  }

  readonly #warn = (error: unknown): void => {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.#logger.warn({ err: error }, 'OpenTelemetry failed: spans are missing, and nothing else; this is said once');
  };

  #remember(workflowId: string, caller: WaitingCaller): void {
    this.#waiting.set(workflowId, caller);
    const [oldest] = this.#waiting.keys();
    if (this.#waiting.size > waitingMax && oldest !== undefined) this.#waiting.delete(oldest);
  }

  /** Nobody hears any more what became of what is open. */
  stop(reason: Error): void {
    for (const start of this.#starts) start.failed(reason);
    for (const request of this.#requests) request.end();
  }
}

/** The span of whoever waits is somebody else's. */
function passedOn(stored: string): CapturedTrace | null {
  const decoded = decodeTrace(stored);
  return decoded === null ? null : { kind: 'passed-on', stored: encodeTrace({ ...decoded, isAwaited: false }) };
}
