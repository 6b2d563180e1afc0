export { TestEngine } from './test-engine.js';
export type { TestEngineOptions } from './test-engine.js';
export { replayCheck } from './replay-check.js';
export { VirtualClock } from './virtual-clock.js';
