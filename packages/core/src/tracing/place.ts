import { type SpanContext, TraceFlags } from '@opentelemetry/api';
import type { EpochMs } from '../seams/clock.js';
import { type Ancestor, contextOf, type StoredTrace } from './stored-trace.js';

/** Where a run's spans hang: on a span, or, without one, in a trace of their own. */
export interface Place {
  readonly parent: SpanContext | null; // null = a root
  /** The trace that a root is to be in all the same; null = a new one. */
  readonly traceId: string | null;
  readonly links: readonly SpanContext[];
}

/** What is known of a process that died. */
export interface Death {
  readonly executorId: string;
  /** The run's attempt that it was at. */
  readonly attempt: number;
  /** The last sign of life; what was made long enough before has been exported. */
  readonly seenAt: EpochMs;
  /** By when it was given up. */
  readonly endedAt: EpochMs;
}

export interface Surroundings {
  readonly mode: 'continue' | 'link';
  readonly isSplit: boolean;
  /** The trace that all processes are in which do not go on in the stored one; null = each begins another. */
  readonly ownTraceId: string | null;
  readonly deaths: readonly Death[];
  /** How long a span may wait to be exported. */
  readonly exportDelayMs: number;
  /** Whether spans can be given ids. */
  readonly givesIds: boolean;
  /** Whether this process tells of the caller that died while it waited, by the id that its span had. */
  readonly tellsOfCaller: boolean;
}

/**
 * The nearest ancestor that was surely exported: what hangs on one that died with its process would be an orphan. Nearer ones
 * become links. A root has no link into its own trace, which would be drawn as incomplete where that is missing.
 */
export function placeOf(stored: StoredTrace | null, around: Surroundings): Place {
  const ownTraceId = around.mode === 'link' ? null : around.ownTraceId;
  if (stored === null) return { parent: null, traceId: ownTraceId, links: [] };
  const { anchors, callerId, isAwaited, traceFlags } = stored;
  const start = contextOf(stored, anchors[0].spanId);
  if (around.mode === 'link' || around.isSplit) return { parent: null, traceId: ownTraceId, links: [start] };
  const below = (spanId: string, links: readonly SpanContext[]): Place => ({
    parent: contextOf(stored, spanId),
    traceId: null,
    links,
  });
  // What nobody exports nobody misses.
  if ((traceFlags & TraceFlags.SAMPLED) === 0) return below(start.spanId, [start]);
  const sure = anchors.find((anchor) => isSure(anchor, around));
  if (sure !== undefined) return below(sure.spanId, [start]);
  const links = anchors.map(({ spanId }) => contextOf(stored, spanId));
  if (around.givesIds) {
    // Whether another process that told of the caller lived to export it nobody knows. One that did not wait is no surer.
    return callerId !== null && isAwaited && around.tellsOfCaller
      ? below(callerId, links)
      : { parent: null, traceId: stored.traceId, links: [] };
  }
  if (callerId !== null && !isAwaited) return below(callerId, links);
  // The caller is lost, and the start perhaps not.
  return callerId === null ? { parent: null, traceId: null, links: [start] } : below(start.spanId, [start]);
}

/** What a process made that is alive counts as sure, though it may die within the delay. */
function isSure({ maker, madeAt }: Ancestor, { deaths, exportDelayMs }: Surroundings): boolean {
  const death = deaths.find(({ executorId }) => executorId === maker);
  return death === undefined || death.seenAt - madeAt >= exportDelayMs;
}
