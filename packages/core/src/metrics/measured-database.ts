import type { Database, Queryable, Row, Statement } from '../database/database.js';
import type { Metrics } from './metrics.js';

/** A database whose errors are counted. */
export function measuredDatabase(database: Database, metrics: Metrics): Database {
  /** What came out of somebody's work in a transaction, which is no error of the database, or has been counted. */
  const passing = new WeakSet<object>();
  const counting = async <T>(answer: Promise<T>): Promise<T> => {
    try {
      return await answer;
    } catch (error) {
      if (!(error instanceof Error && passing.has(error))) metrics.databaseFailed(error);
      throw error;
    }
  };
  const working = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      if (error instanceof Error) passing.add(error);
      throw error;
    }
  };
  const measured = <Q extends Queryable>(queryable: Q): Q => ({
    ...queryable,
    query: <R extends Row>(statement: Statement) => counting(queryable.query<R>(statement)),
    script: (sql: string) => counting(queryable.script(sql)),
  });
  return {
    kind: database.kind,
    pools: database.pools,
    query: (statement) => counting(database.query(statement)),
    script: (sql) => counting(database.script(sql)),
    transaction: (work) => counting(database.transaction((tx) => working(work(measured(tx))))),
    // Its errors tell what became of the transaction: those of the database among them are met one by one.
    sharedTransaction: (work, options) => database.sharedTransaction((tx) => work(measured(tx)), options),
    through: (client) => measured(database.through(client)),
    listen: (channel, onNotification, onGap) => database.listen(channel, onNotification, onGap),
    close: () => database.close(),
  };
}
