import type { Database, Queryable } from '../database/database.js';
import type { TransactionCheckpoint } from './records.js';
import { fromMs } from './sql.js';

/** Which transactional step, of which attempt at the whole workflow. */
export type TransactionKey = Pick<TransactionCheckpoint, 'workflowId' | 'retries' | 'seq'>;

/** Checkpoints that commit together with the data of a transactional step. */
export interface TransactionStore {
  /**
   * Adds the checkpoint to an open transaction. A unique violation: an earlier try has committed.
   *
   * @param transactionId what the transaction was begun with
   * @returns `revoked`: this executor's lease was revoked; `ended`: the transaction had been ended by then. Nothing was
   * written, and the transaction must be rolled back.
   */
  record(
    tx: Queryable,
    checkpoint: TransactionCheckpoint,
    owner: { readonly executorId: string; readonly transactionId: string },
  ): Promise<'recorded' | 'revoked' | 'ended'>;
  /** The result of an earlier try that committed; null if none did. */
  find(key: TransactionKey): Promise<{ readonly payload: string | null } | null>;
}

export function createTransactionStore(
  database: Database,
  schema: string,
  statementName: (name: string) => string,
): TransactionStore {
  return {
    /**
     * The fence is the executor's row, as in a flush, and taken last: a process that is stopped in the middle of a
     * transaction then holds up nobody who revokes its lease.
     */
    async record(tx, checkpoint, { executorId, transactionId }) {
      const [row] = await tx.query<{ held: boolean; recorded: boolean }>({
        name: statementName('transactions_record'),
        text: `
          with fence as materialized (
            select id from ${schema}.executors where id = $1::uuid and revoked_at is null for key share
          ), recorded as (
            insert into ${schema}.transactions
              (workflow_id, retries, seq, name, payload, started_at, finished_at, attempt)
            select $3::text, $4::int4, $5::int4, $6::text, $7::text, ${fromMs('$8::int8')}, ${fromMs('$9::int8')}, $10::int4
            from fence where current_setting('perdure.transaction', true) = $2::text
            returning 1
          )
          select exists (select 1 from fence) as held, exists (select 1 from recorded) as recorded`,
        values: [
          executorId,
          transactionId,
          checkpoint.workflowId,
          checkpoint.retries,
          checkpoint.seq,
          checkpoint.name,
          checkpoint.payload,
          checkpoint.startedAt,
          checkpoint.finishedAt,
          checkpoint.attempt,
        ],
      });
      if (row?.recorded === true) return 'recorded';
      return row?.held === true ? 'ended' : 'revoked';
    },

    async find({ workflowId, retries, seq }) {
      const [row] = await database.query<{ payload: string | null }>({
        name: statementName('transactions_find'),
        text: `
          select payload from ${schema}.transactions
          where workflow_id = $1::text and retries = $2::int4 and seq = $3::int4`,
        values: [workflowId, retries, seq],
      });
      return row ?? null;
    },
  };
}
