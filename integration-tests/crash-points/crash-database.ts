import type {
  Database,
  Queryable,
  Row,
  SharedTransaction,
  SharedTransactionOptions,
  Statement,
} from '@perdure/core/internal';
import { TransactionInDoubtError } from '../../packages/core/src/database/transaction-errors.js';
import { deferred } from '../../packages/core/src/util/deferred.js';
import { passOn } from '../support/pass-on.js';

/**
 * Where a process dies: at the nth statement of this name, `before` it is sent, after it took effect but with its reply
 * `lost`, or `after` the reply, once the code that waited for it has had its turn.
 */
export interface CrashPoint {
  readonly name: string;
  readonly nth: number;
  readonly mode: 'before' | 'lost' | 'after';
}

export interface CrashDatabaseOptions {
  readonly point: CrashPoint | null; // null = it lives on
  /** Statements whose reply gets lost while the process lives on. */
  readonly loses: (name: string, nth: number) => boolean;
  readonly onCrash: () => void;
}

/** A database as the process that is to die sees it. */
export interface CrashDatabase extends Database {
  /** How often each statement was sent, by name. */
  readonly sent: ReadonlyMap<string, number>;
  /** From now on the process does not die any more. */
  survive(): void;
}

const lostReply = Object.assign(new Error('Connection terminated unexpectedly'), { code: '08006' });

/** What a statement is called by, whatever the schema and the number of rows. */
function pointName(statementName: string): string {
  return statementName
    .replace(/^perdure_([0-9a-f]{8}_)?/, '')
    .replace(/^(flush_(?:new|missing)).*/, '$1')
    .replace(/^(migrate_version)_.*/, '$1');
}

/**
 * Passes statements on until the process dies. From then on nothing reaches the database, open transactions are rolled
 * back, and nothing comes back: a dead process has no code that could hear of an error.
 */
export function crashDatabase(database: Database, { point, loses, onCrash }: CrashDatabaseOptions): CrashDatabase {
  let mayDie = true;
  const sent = new Map<string, number>();
  const openTransactions = new Set<() => void>();
  let isDead = false;

  function die(): Promise<never> {
    if (!isDead) {
      isDead = true;
      for (const rollBack of openTransactions) rollBack();
      onCrash();
    }
    return new Promise(() => {});
  }

  async function send<T>(name: string, work: () => Promise<T>): Promise<T> {
    if (isDead) return await die();
    const nth = (sent.get(name) ?? 0) + 1;
    sent.set(name, nth);
    const mode = mayDie && point?.name === name && point.nth === nth ? point.mode : null;
    if (mode === 'before') return await die();
    const reply = await work();
    if (isDead || (mode === 'lost' && mayDie)) return await die();
    if (mode === 'after') setImmediate(() => void (mayDie && die()));
    if (loses(name, nth)) throw lostReply;
    return reply;
  }

  const through = (tx: Queryable): Queryable => ({
    query: <R extends Row>(statement: Statement) => send(pointName(statement.name), () => tx.query<R>(statement)),
    script: (sql) => send('script', () => tx.script(sql)),
  });

  /**
   * BEGIN and COMMIT are crash points too. Death in between rejects the transaction's work, which rolls it back as a closed
   * connection would.
   */
  async function transact<T>(open: (guard: (work: Promise<T>) => Promise<T>) => Promise<T>): Promise<T> {
    await send('begin', async () => {});
    const work = deferred<T>();
    const death = deferred<never>();
    const rollBack = (): void => death.reject(new Error('the process is dead'));
    death.promise.catch(() => {});
    openTransactions.add(rollBack);
    const commit = deferred<void>();
    const transaction = open(async (inner) => {
      inner.then(work.resolve, () => {});
      const result = await Promise.race([inner, death.promise]);
      await Promise.race([commit.promise, death.promise]);
      return result;
    });
    transaction.catch(() => {});
    try {
      await Promise.race([work.promise, transaction]);
      return await send('commit', async () => {
        commit.resolve();
        return await transaction;
      });
    } catch (error) {
      if (isDead) return await die();
      throw error;
    } finally {
      openTransactions.delete(rollBack);
    }
  }

  return {
    ...passOn(database),
    sent,
    survive() {
      mayDie = false;
    },
    query: (statement) => send(pointName(statement.name), () => database.query(statement)),
    script: (sql) => send('script', () => database.script(sql)),
    transaction: <T>(work: (tx: Queryable) => Promise<T>) =>
      transact<T>((guard) => database.transaction((tx) => guard(work(through(tx))))),
    sharedTransaction: <T>(work: (tx: SharedTransaction) => Promise<T>, options: SharedTransactionOptions) =>
      transact<T>((guard) =>
        database.sharedTransaction((tx) => guard(work({ ...through(tx), client: tx.client })), options),
      ).catch((error: unknown) => {
        throw error === lostReply ? new TransactionInDoubtError(error) : error;
      }),
    through: (client) => through(database.through(client)),
  };
}
