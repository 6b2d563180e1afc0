/**
 * How a shared transaction ended where its user is not to blame. Neither reaches user code: whoever runs the transaction
 * acts on them.
 */

/** Rolled back: another transaction was in the way. Run again, it may go through. */
export class TransactionConflictError extends Error {
  override readonly name = 'TransactionConflictError';

  constructor(cause: unknown) {
    super('The transaction was rolled back because of another one', { cause });
  }
}

/** The connection was lost. The transaction may or may not have committed. */
export class TransactionInDoubtError extends Error {
  override readonly name = 'TransactionInDoubtError';

  constructor(cause: unknown) {
    super('The connection was lost during a transaction', { cause });
  }
}
