import type { IsolationLevel, TransactionClient } from '../database/database.js';
import type { TransactionCheckpoint } from '../store/records.js';

/** Where transactional steps write, and where their checkpoints are kept beside what they wrote. */
export interface DataSource {
  /**
   * Runs `work` in a transaction.
   *
   * @throws {TransactionConflictError} | {@link TransactionInDoubtError} where the user's code is not to blame
   */
  transaction<T>(isolationLevel: IsolationLevel, work: (transaction: OpenTransaction) => Promise<T>): Promise<T>;
  /**
   * The result of an earlier try that committed.
   *
   * @throws {TransactionInDoubtError} if the database does not answer
   */
  findCommitted(key: Pick<TransactionCheckpoint, 'workflowId' | 'retries' | 'seq'>): Promise<Committed | null>;
}

export interface OpenTransaction {
  readonly client: TransactionClient;
  /** See {@link TransactionStore.record}. */
  readonly record: (checkpoint: TransactionCheckpoint) => Promise<'recorded' | 'revoked' | 'ended'>;
}

export interface Committed {
  readonly payload: string | null;
}
