import { ROOT_CONTEXT, SpanKind, trace, TraceFlags, type Tracer } from '@opentelemetry/api';
import type { LostExecutor } from '../store/executors.js';
import type { NewRun } from '../store/records.js';
import { runAttributes } from './attributes.js';
import { dropAnchor } from './spans.js';
import { contextOf, type StoredTrace } from './stored-trace.js';

/** What was made so long before a start has been sent. */
const sentWithinMs = 1_000;

/**
 * Tells of a start in the place of the process that made it and died before it had sent that. Another process had begun the
 * run meanwhile, and hung it on the start, because the maker was alive as far as anybody knew.
 *
 * It hangs on what is surely there: on the caller that another stand-in tells of, on the run that made the start, or else on
 * nothing.
 */
export function tellOfStart(
  tracer: Tracer,
  run: Pick<NewRun, 'workflowId' | 'name'>,
  found: {
    readonly stored: StoredTrace;
    readonly lost: readonly LostExecutor[];
    /** Whether it was told of the caller, because that had waited. */
    readonly isCallerTold: boolean;
  },
): void {
  const { stored, lost, isCallerTold } = found;
  const [start, above] = stored.anchors;
  const maker = lost.find(({ executorId }) => executorId === start.maker);
  if (maker === undefined || maker.sentUntil === null || stored.startedAt < maker.sentUntil) return;
  if ((stored.traceFlags & TraceFlags.SAMPLED) === 0) return;
  const isAboveSure =
    above !== undefined && (above.maker !== start.maker || start.madeAt - above.madeAt >= sentWithinMs);
  const parentId = isCallerTold ? stored.callerId : isAboveSure ? above.spanId : null;
  const around = parentId === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, contextOf(stored, parentId));
  const attributes = { ...runAttributes(run), 'perdure.synthetic': true };
  dropAnchor(tracer, `start ${run.name} (lost)`, { kind: SpanKind.PRODUCER, attributes }, around, {
    startedAt: stored.startedAt,
    depth: stored.depth,
    ids: { spanId: start.spanId, traceId: stored.traceId },
  });
}
