import { CancelledError, WorkflowTimeoutError } from '../errors/errors.js';
import type { ClaimedRun } from '../store/records.js';

/** What ends a run before its function does. */
export type Interruption = 'cancelled' | 'timed-out';

/** What a workflow that asked for it sees of an interruption, and what whoever awaits the run gets. */
export function interruptionError(kind: Interruption, { workflowId, deadlineAt }: ClaimedRun): Error {
  return kind === 'cancelled' ? new CancelledError(workflowId) : new WorkflowTimeoutError(workflowId, deadlineAt ?? 0);
}

export function isInterruptionKind(kind: string): kind is Interruption {
  return kind === 'cancelled' || kind === 'timed-out';
}

export function isInterruption(thrown: unknown): boolean {
  return thrown instanceof CancelledError || thrown instanceof WorkflowTimeoutError;
}
