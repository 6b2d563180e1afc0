import { type Attributes, type Context, SpanStatusCode, type Tracer } from '@opentelemetry/api';
import type { EpochMs } from '../seams/clock.js';
import type { GivenIds } from './span-ids.js';
import { anchorEnd, startSpan } from './spans.js';

/** When something began and ended that another process was to tell of, and under which id. */
export interface StandIn {
  readonly from: EpochMs;
  readonly to: EpochMs;
  readonly ids: GivenIds;
  readonly depth: number;
}

/** The span of something that a process which died had no time to end. */
export function standIn(
  tracer: Tracer,
  name: string,
  around: Context,
  attributes: Attributes,
  { from, to, ids, depth }: StandIn,
): void {
  const options = { startTime: from, attributes: { ...attributes, 'perdure.synthetic': true } };
  const span = startSpan(tracer, name, options, around, ids);
  span.setStatus({ code: SpanStatusCode.ERROR, message: 'executor lost' });
  span.end(anchorEnd(to, depth));
}
