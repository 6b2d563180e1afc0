import { classify } from '../database/database-errors.js';
import type { Database } from '../database/database.js';
import { TransactionInDoubtError } from '../database/transaction-errors.js';
import { InvariantError } from '../errors/errors.js';
import type { Random } from '../seams/random.js';
import type { DataSource } from '../step/data-source.js';
import type { TransactionStore } from '../store/transactions.js';

/**
 * The engine's own database as what transactional steps write to.
 *
 * @param executorId whose fence the checkpoints pass; null outside any run, where there are none
 */
export function engineDataSource(
  database: Database,
  transactions: TransactionStore,
  random: Random,
  executorId: string | null,
): DataSource {
  return {
    transaction(isolationLevel, work) {
      const id = random.uuid();
      return database.sharedTransaction(
        (tx) =>
          work({
            client: tx.client,
            record: (checkpoint) => {
              if (executorId === null) throw new InvariantError('A transaction outside a run has no checkpoint');
              return transactions.record(tx, checkpoint, { executorId, transactionId: id });
            },
          }),
        { isolationLevel, id },
      );
    },

    async findCommitted(key) {
      try {
        return await transactions.find(key);
      } catch (error) {
        const errorClass = classify(error);
        const isUnanswered = errorClass === 'connection' || errorClass === 'transaction-retry';
        throw isUnanswered ? new TransactionInDoubtError(error) : error;
      }
    },
  };
}
