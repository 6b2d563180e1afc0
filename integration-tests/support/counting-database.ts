import type { Database, Queryable, Row, Statement } from '@perdure/core/internal';

/** A database that remembers the statements sent through it, each of which commits by itself. */
export interface CountingDatabase extends Database {
  readonly sent: Statement[];
  /** How many statements whose name contains this text were sent. */
  count(text: string): number;
  /** The same for those that were answered. */
  countAnswered(text: string): number;
}

export function countingDatabase(database: Database): CountingDatabase {
  const sent: Statement[] = [];
  const answered: Statement[] = [];
  return {
    kind: database.kind,
    sent,
    count: (text) => sent.filter((statement) => statement.name.includes(text)).length,
    countAnswered: (text) => answered.filter((statement) => statement.name.includes(text)).length,
    async query<R extends Row>(statement: Statement) {
      sent.push(statement);
      const rows = await database.query<R>(statement);
      answered.push(statement);
      return rows;
    },
    script: (sql) => database.script(sql),
    transaction: <T>(work: (tx: Queryable) => Promise<T>) => database.transaction(work),
    sharedTransaction: (work, options) => database.sharedTransaction(work, options),
    through: (client) => database.through(client),
    listen: (channel, onNotification, onGap) => database.listen(channel, onNotification, onGap),
    close: () => database.close(),
  };
}
