import type { Database, Row, Statement } from '@perdure/core/internal';
import { passOn } from './pass-on.js';

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
    ...passOn(database),
    sent,
    count: (text) => sent.filter((statement) => statement.name.includes(text)).length,
    countAnswered: (text) => answered.filter((statement) => statement.name.includes(text)).length,
    async query<R extends Row>(statement: Statement) {
      sent.push(statement);
      const rows = await database.query<R>(statement);
      answered.push(statement);
      return rows;
    },
  };
}
