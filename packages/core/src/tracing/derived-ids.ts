import { createHash } from 'node:crypto';
import type { EpochMs } from '../seams/clock.js';
import type { ClaimedRun } from '../store/records.js';

/** The id of a span that another process must be able to find again. */
export function derivedId(key: string): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 16);
}

/** The id of a trace that anybody can make again. */
export function derivedTraceId(key: string): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 32);
}

/** The trace that a run has without one that was stored, or since a pause that splits it. */
export function ownTraceKey(
  { workflowId, seed }: Pick<ClaimedRun, 'workflowId' | 'seed'>,
  pausedAt: EpochMs | null,
): string {
  return [workflowId, seed, 'trace', ...(pausedAt === null ? [] : [pausedAt])].join('|');
}

/** The bar of an attempt whose process died. */
export function lostKey({ workflowId, seed }: Pick<ClaimedRun, 'workflowId' | 'seed'>, attempt: number): string {
  return ['lost', workflowId, seed, attempt].join('|');
}

/** A run that an executor executes: it may do so many times, also under one claim. */
export function runKey(
  { workflowId, seed }: Pick<ClaimedRun, 'workflowId' | 'seed'>,
  executorId: string,
  executionNo: number,
): string {
  return [workflowId, seed, 'run', executorId, executionNo].join('|');
}

/** A try of a step; its attempt is that of the run, of which each process that takes it over makes another. */
export function tryKey(
  { workflowId, seed }: Pick<ClaimedRun, 'workflowId' | 'seed'>,
  at: { readonly attempt: number; readonly retries: number; readonly seq: number; readonly tryNo: number },
): string {
  return [workflowId, seed, 'step', at.retries, at.seq, at.attempt, at.tryNo].join('|');
}
