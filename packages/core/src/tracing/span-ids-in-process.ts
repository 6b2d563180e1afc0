import { processState } from '../workflow/process-state.js';
import type { SpanIdsInProcess } from './span-ids.js';

/** For the id generator of `@perdure/otel`, which gives a span the id that it must have. */
export const spanIdsInProcess = (): SpanIdsInProcess => processState().spanIds;
