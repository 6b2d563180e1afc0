import {
  type Attributes,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  trace,
  type Tracer,
} from '@opentelemetry/api';
import type { EpochMs } from '../seams/clock.js';
import { wallMs } from '../seams/wall-clock.js';
import { processState } from '../workflow/process-state.js';
import { runAttributes } from './attributes.js';
import { anchorEnd, linkTo, markFailed, startSpan } from './spans.js';
import { contextOf, decodeTrace, encodeBaggage, encodeTrace } from './stored-trace.js';
import type { CapturedTrace, StartKind } from './traced-run.js';

/** The run that is being started, as far as its trace is concerned. */
export interface RunToTrace {
  readonly workflowId: string;
  readonly name: string;
  readonly version: string;
  readonly queue: string | null; // null = it begins at once
}

/** What became of a start. */
export interface StartedTrace {
  readonly isNew: boolean;
  /** What is stored of the trace of the run that was there already. */
  readonly trace?: string | null;
}

/** A caller that waits for the run that it has started, and that others tell of if the executor dies which made the start. */
export interface WaitingCaller {
  readonly callerId: string;
  readonly maker: string;
}

/** The span of a start: from before the run is stored, which holds its id, until that is known to be durable. */
export class StartSpan {
  /** What is stored with the run. */
  readonly stored: string;
  /** The executor that makes the start; null = a process without one. */
  readonly maker: string | null;
  /** The caller, if it waits for the run; null = it doesn't, or there is none. */
  readonly #callerId: string | null;
  readonly #span: Span;
  readonly #startedAt: EpochMs;
  readonly #depth: number;
  readonly #onEnd: (span: StartSpan) => void;
  #isEnded = false;
  #isMakerLost = false;
  #waiting: WaitingCaller | null = null;

  constructor(
    tracer: Tracer,
    run: RunToTrace,
    captured: Exclude<CapturedTrace, { kind: 'passed-on' }>,
    around: {
      readonly baggage: readonly string[];
      readonly maker: string | null;
      readonly now: EpochMs;
      readonly onEnd: (span: StartSpan) => void;
    },
  ) {
    const { context, kind, above, depth } = captured;
    const baggage = context === null ? null : encodeBaggage(propagation.getBaggage(context), around.baggage);
    this.#startedAt = wallMs();
    this.#depth = depth;
    this.maker = around.maker;
    this.#onEnd = around.onEnd;
    this.#span = startSpan(
      tracer,
      `start ${run.name}`,
      {
        kind: SpanKind.PRODUCER,
        startTime: this.#startedAt,
        root: context === null,
        attributes: startAttributes(run, kind),
        links: [...captured.links],
      },
      context ?? ROOT_CONTEXT,
      null,
    );
    const { traceId, spanId, traceFlags, traceState } = this.#span.spanContext();
    const caller = above === null && context !== null ? trace.getSpanContext(context) : undefined;
    // A span that nobody records is no parent either.
    const isAbove = caller !== undefined && caller.traceId === traceId && spanId !== caller.spanId;
    const callerId = isAbove ? caller.spanId : null;
    this.#callerId = kind === 'inline' ? callerId : null;
    this.stored = encodeTrace({
      traceId,
      traceFlags,
      traceState: traceState?.serialize() ?? null,
      baggage,
      depth,
      startedAt: this.#startedAt,
      anchors: [{ spanId, madeAt: around.now, maker: around.maker }, ...(above === null ? [] : ([above] as const))],
      callerId,
      isAwaited: kind === 'inline',
    });
  }

  /** Who waits from here on for a run that this start has made; null = nobody does of whom others would tell. */
  get waiting(): WaitingCaller | null {
    return this.#waiting;
  }

  /**
   * The executor that makes it has lost its lease. It may be made again on the next one, and end; else it stays open for ever,
   * and is not waited for.
   */
  lostItsMaker(): void {
    this.#isMakerLost = true;
    processState().spanIds.sentStarts?.forget(this.#span.spanContext().spanId);
  }

  /** Only what is said first counts. */
  started({ isNew, trace: existing }: StartedTrace): void {
    if (this.#isEnded) return;
    if (!isNew) {
      this.#span.setAttribute('perdure.deduplicated', true);
      const found = decodeTrace(existing ?? null);
      if (found !== null) this.#span.addLink(linkTo(contextOf(found, found.anchors[0].spanId)));
    }
    if (isNew) this.#leaveWaiting(existing ?? null);
    this.#end();
  }

  failed(error: unknown): void {
    if (this.#isEnded) return;
    markFailed(this.#span, error);
    this.#end();
  }

  /** Of a caller whose start lost its maker, others tell only if that had made the run after all. */
  #leaveWaiting(existing: string | null): void {
    if (this.#callerId === null || this.maker === null) return;
    const { givenAway, exportDelayMs } = processState().spanIds;
    if (!this.#isMakerLost) this.#waiting = { callerId: this.#callerId, maker: this.maker };
    else if (existing === this.stored && exportDelayMs !== null) givenAway.add(this.#callerId);
  }

  #end(): void {
    this.#isEnded = true;
    this.#span.end(anchorEnd(this.#startedAt, this.#depth));
    this.#onEnd(this);
  }
}

function startAttributes({ workflowId, name, version, queue }: RunToTrace, kind: StartKind): Attributes {
  return {
    ...runAttributes({ workflowId, name }),
    'perdure.app.version': version,
    'perdure.start.kind': queue === null || kind === 'schedule' ? kind : 'queue',
    ...(queue === null
      ? {}
      : {
          'messaging.system': 'postgresql',
          'messaging.destination.name': queue,
          'messaging.operation.name': 'enqueue',
          'messaging.operation.type': 'send',
          'messaging.message.id': workflowId,
        }),
  };
}
