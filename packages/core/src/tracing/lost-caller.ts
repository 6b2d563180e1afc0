import { type Context, TraceFlags, type Tracer } from '@opentelemetry/api';
import type { EpochMs } from '../seams/clock.js';
import type { ClaimedRun, NewRun } from '../store/records.js';
import { processState } from '../workflow/process-state.js';
import { runAttributes } from './attributes.js';
import type { Death } from './place.js';
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
 * Tells of a caller that waited for a run in a process that died. Its span was open to the end, and other spans that were
 * exported hang on it.
 *
 * Who does that: whoever takes the run over from the caller's process; where that had not taken it, whoever finds that the
 * process is dead.
 *
 * @param endedAt when the process was given up, by the clock that spans go by
 */
export function tellOfCaller(
  tracer: Tracer,
  plain: Context,
  run: Pick<NewRun, 'workflowId' | 'name'>,
  stored: StoredTrace,
  endedAt: EpochMs,
): void {
  const { isAwaited, callerId, traceId, traceFlags, startedAt } = stored;
  if ((traceFlags & TraceFlags.SAMPLED) === 0 || !isAwaited || callerId === null) return;
  const { toldCallers } = processState().spanIds;
  const caller = `${traceId} ${callerId}`;
  if (toldCallers.has(caller)) return;
  toldCallers.add(caller);
  const attributes = { ...runAttributes(run), 'error.type': 'executor-lost' };
  const ids = { spanId: callerId, traceId };
  const to = Math.max(endedAt, startedAt);
  standIn(tracer, 'request (lost)', plain, attributes, { from: startedAt, to, ids, depth: 0 });
}
