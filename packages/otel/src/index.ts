export { durable } from './durable.js';
export type { DurableTracing, DurableTracingOptions } from './durable.js';
