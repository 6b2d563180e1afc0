import type { FlushBatch } from '../../packages/core/src/store/flush.js';

/** What an executor writes at once; nothing, but for what is given. */
export function flushBatch(executorId: string, parts: Partial<Omit<FlushBatch, 'executorId'>>): FlushBatch {
  return {
    executorId,
    starts: [],
    enqueued: [],
    checkpoints: [],
    outcomes: [],
    dequeued: [],
    deadLetters: [],
    reopenable: [],
    consumed: [],
    childrenOfOthers: [],
    streamed: [],
    discarded: [],
    now: null,
    enclosed: [],
    ...parts,
  };
}
