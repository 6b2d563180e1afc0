import type { Clock, Database, Queryable, SharedTransaction, SharedTransactionOptions } from '@perdure/core/internal';

/** A database whose statements hold a virtual clock while they are under way. */
export function heldDatabase(database: Database, clock: Clock): Database {
  async function hold<T>(work: () => Promise<T>): Promise<T> {
    const held = clock.hold();
    try {
      return await work();
    } finally {
      held.release();
    }
  }
  return {
    kind: database.kind,
    pools: database.pools,
    query: (statement) => hold(() => database.query(statement)),
    script: (sql) => hold(() => database.script(sql)),
    transaction: <T>(work: (tx: Queryable) => Promise<T>) => hold(() => database.transaction(work)),
    sharedTransaction: <T>(work: (tx: SharedTransaction) => Promise<T>, options: SharedTransactionOptions) =>
      hold(() => database.sharedTransaction(work, options)),
    through: (client) => database.through(client),
    listen: (channel, onNotification, onGap) => database.listen(channel, onNotification, onGap),
    close: () => database.close(),
  };
}
