export { idempotencyConformance } from './idempotency-conformance.js';
export type { ConformanceOptions, ConformanceRequest, ConformanceResponse } from './idempotency-conformance.js';
