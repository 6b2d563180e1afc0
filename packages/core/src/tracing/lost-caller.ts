import { type Context, TraceFlags, type Tracer } from '@opentelemetry/api';
import type { EpochMs } from '../seams/clock.js';
import type { ClaimedRun } from '../store/records.js';
import { runAttributes } from './attributes.js';
import type { Death } from './place.js';
import type { RunBefore } from './run-before.js';
import { standIn } from './stand-in.js';
import type { StoredTrace } from './stored-trace.js';

/**
 * The process that started a run, if it is known to have died before another one took that: right after the start, so that
 * nobody can tell whether what it made was exported.
 */
export function lostStarter({ starterSeenAt }: ClaimedRun, stored: StoredTrace | null): Death | null {
  const maker = stored?.anchors[0].maker ?? null;
  if (starterSeenAt === null || maker === null) return null;
  return { executorId: maker, attempt: 0, seenAt: starterSeenAt, endedAt: starterSeenAt };
}

/**
 * The span of a caller that waited for a run in a process that died. It was open to the end, and other spans that were exported
 * hang on it.
 */
export interface LostCaller {
  readonly tell: (tracer: Tracer, plain: Context) => void;
}

/**
 * Whose part it is to tell of the caller: the process that takes the run over from the caller's, or takes it first.
 *
 * @param shiftMs from the database's clock to the one that spans go by
 */
export function lostCaller(
  run: ClaimedRun,
  stored: StoredTrace | null,
  { predecessor }: RunBefore,
  starter: Death | null,
  shiftMs: number,
): LostCaller | null {
  const death = predecessor ?? (run.attempt === 1 ? starter : null);
  if (stored === null || death === null) return null;
  const { isAwaited, callerId, traceId, traceFlags, anchors, startedAt } = stored;
  const isSampled = (traceFlags & TraceFlags.SAMPLED) !== 0;
  if (!isSampled || !isAwaited || callerId === null || anchors[0].maker !== death.executorId) return null;
  const to: EpochMs = Math.max(death.endedAt + shiftMs, startedAt);
  return {
    tell: (tracer, plain) => {
      const attributes = { ...runAttributes(run), 'error.type': 'executor-lost' };
      standIn(tracer, 'request (lost)', plain, attributes, {
        from: startedAt,
        to,
        ids: { spanId: callerId, traceId },
        depth: 0,
      });
    },
  };
}
