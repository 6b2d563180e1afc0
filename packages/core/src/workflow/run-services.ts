import type { LogItem, LogVerdict } from '../checkpoint-log/checkpoint-log.js';
import type { Checkpoint, Outcome } from '../store/records.js';
import type { Seams } from './context.js';
import type { RunStarter } from './run-starter.js';

/** What a run needs from the executor that owns it. */
export interface RunServices<Execution> extends Seams {
  readonly starter: RunStarter;
  append(item: LogItem): Promise<LogVerdict>;
  /** Null while the lease is surely held, else a promise of its renewal. */
  leaseRenewal(): Promise<void> | null;
  /** The run's code differs from its history: it is to be set aside. */
  onBlocked(run: Execution, reason: string): void;
  /** The run failed and is to be executed afresh, with these checkpoints as its history. */
  onRetry(run: Execution, retries: readonly Checkpoint[]): void;
  /** The run's outcome is durable. */
  onSettled(run: Execution, outcome: Outcome): void;
}
