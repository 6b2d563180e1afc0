import type { Store } from '../../packages/core/src/store/store.js';
import type { FlushBatch } from '../../packages/core/src/store/flush.js';
import type { QueuedRun } from '../../packages/core/src/store/queue-items.js';
import type { Checkpoint, NewRun, Outcome } from '../../packages/core/src/store/records.js';
import { flushBatch } from '../support/flush-batch.js';

/** The moment at which everything here happens. */
export const now = Date.UTC(2030, 0, 1);

/** Three processes. */
export const executors = {
  one: '00000000-0000-4000-8000-000000000001',
  two: '00000000-0000-4000-8000-000000000002',
  three: '00000000-0000-4000-8000-000000000003',
};

export const workflow = { name: 'order', version: '1', code: 'code', timeoutMs: null };

export async function register(store: Store, executorId: string, leaseMs = 60_000): Promise<void> {
  await store.executors.register({
    executorId,
    label: 'process',
    collectsMetrics: false,
    leaseMs,
    sentUntil: null,
    now,
  });
}

export function newRun(workflowId: string, more: Partial<NewRun> = {}): NewRun {
  return {
    workflowId,
    name: workflow.name,
    version: workflow.version,
    input: '[]',
    parentId: null,
    detached: false,
    claimNo: 1,
    seed: `seed of ${workflowId}`,
    createdAt: now,
    deadlineAt: null,
    context: null,
    fingerprint: null,
    attributes: null,
    trace: null,
    ...more,
  };
}

export function queuedRun(workflowId: string, more: Partial<QueuedRun> = {}): QueuedRun {
  const { claimNo: _, ...run } = newRun(workflowId);
  const item = { queue: 'line', key: '', priority: 0, units: 1, runAt: null, delayMs: 0, timeoutMs: null };
  return { ...run, ...item, ...more };
}

export function checkpoint(workflowId: string, position: number, more: Partial<Checkpoint> = {}): Checkpoint {
  return {
    workflowId,
    position,
    seq: position,
    kind: 'step',
    name: 'work',
    payload: `${position}`,
    failed: false,
    startedAt: now,
    finishedAt: now,
    attempt: 1,
    ...more,
  };
}

export function outcome(workflowId: string, kind: Outcome['kind'] = 'completed'): Outcome {
  return { workflowId, kind, payload: `"${kind}"`, finishedAt: now };
}

export function flushed(executorId: string, parts: Partial<Omit<FlushBatch, 'executorId'>>): FlushBatch {
  return flushBatch(executorId, { now, ...parts });
}
