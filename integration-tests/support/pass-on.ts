import type { Database } from '@perdure/core/internal';

/** A database that passes everything on to another one, to be spread by those that do something else here and there. */
export function passOn(database: Database): Database {
  return {
    kind: database.kind,
    pools: database.pools,
    query: (statement) => database.query(statement),
    script: (sql) => database.script(sql),
    transaction: (work) => database.transaction(work),
    sharedTransaction: (work, options) => database.sharedTransaction(work, options),
    through: (client) => database.through(client),
    listen: (channel, onNotification, onGap) => database.listen(channel, onNotification, onGap),
    close: () => database.close(),
  };
}
