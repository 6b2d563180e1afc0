import type { LogItem, LogVerdict } from '../checkpoint-log/checkpoint-log.js';
import type { Checkpoint, Outcome } from '../store/records.js';
import type { Tracing } from '../tracing/tracing.js';
import type { Seams } from './context.js';
import type { FoundDifference } from './difference.js';
import type { RunStarter } from './run-starter.js';

/** What a run needs from the executor that owns it. */
export interface RunServices<Execution> extends Seams {
  readonly starter: RunStarter;
  readonly executorId: string;
  readonly tracing: Tracing;
  /** Asks the attached children of a run to stop. Resolves once that is durable. */
  cancelChildren(workflowId: string): Promise<void>;
  append(item: LogItem): Promise<LogVerdict>;
  /** Null while the lease is surely held, else a promise of its renewal. */
  leaseRenewal(): Promise<void> | null;
  /** The history is exhausted, so long after the workflow began: whoever abandons the run now has seen that its code fits, and nothing has begun. */
  onLive(run: Execution, replayedMs: number): void;
  /** The run's code differs from its history: it is to be set aside. */
  onBlocked(run: Execution, difference: FoundDifference): void;
  /** How long the workflow may wait, in the midst of its history, for what is no durable call. */
  readonly stuckMs: number;
  /** The run failed and is to be executed afresh, with these checkpoints as its history. */
  onRetry(run: Execution, retries: readonly Checkpoint[]): void;
  /** The run's outcome is durable. */
  onSettled(run: Execution, outcome: Outcome): void;
}
