import { requestCancel } from './cancel-request.js';
import type { Queryable, Row, Statement } from './database.js';
import { classify } from './database-errors.js';
import { withDeadline } from './deadline.js';
import { InvariantError } from '../errors/errors.js';
import type { ClientLike, PgQuery, PgResult } from './pg-like.js';
import type { PreparedStatements } from './prepared-statements.js';

/** For {@link Session.script}: creating an index on a large table takes its time. */
const scriptTimeoutMs = 10 * 60_000;

/**
 * One connection in use. Statements go out one after another, each with a deadline. After an error that puts the
 * connection in doubt the session is broken, and the connection must not be used by anybody else.
 */
export class Session implements Queryable {
  readonly client: ClientLike;
  readonly #prepared: PreparedStatements;
  readonly #timeoutMs: number;
  readonly #onError = (): void => this.#break();
  #onBroken: () => void = () => {};
  #isBroken = false;
  #isInTransaction = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(client: ClientLike, prepared: PreparedStatements, timeoutMs: number) {
    this.client = client;
    this.#prepared = prepared;
    this.#timeoutMs = timeoutMs;
    client.on('error', this.#onError);
  }

  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** Calls `onBroken` once when the connection is lost, at once if it is already. */
  whenBroken(onBroken: () => void): void {
    if (this.#isBroken) onBroken();
    else this.#onBroken = onBroken;
  }

  async query<R extends Row = Row>(statement: Statement): Promise<R[]> {
    try {
      return await this.#queryOnce(statement);
    } catch (error) {
      // An error ends a transaction: then only its caller can repeat it.
      if (!this.#prepared.giveUpAfter(error) || this.#isInTransaction) throw error;
      return await this.#queryOnce(statement);
    }
  }

  async script(sql: string): Promise<void> {
    await this.#send({ text: sql }, scriptTimeoutMs);
  }

  /** See {@link Database.transaction}. */
  async transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T> {
    await this.#command('begin isolation level read committed');
    this.#isInTransaction = true;
    try {
      const result = await work(this.#transactionQueryable());
      const { command } = await this.#command('commit');
      // Postgres' answer if a statement had failed and `work` went on regardless.
      if (command === 'ROLLBACK') throw new TransactionAbortedError();
      return result;
    } catch (error) {
      await this.#rollBack();
      throw error;
    } finally {
      this.#isInTransaction = false;
    }
  }

  /** Ends the session's interest in the connection, which may go on living. */
  detach(): void {
    this.#onBroken = () => {};
    this.client.removeListener('error', this.#onError);
  }

  async #queryOnce<R extends Row>(statement: Statement): Promise<R[]> {
    const result = await this.#send(this.#prepared.toQuery(statement), this.#timeoutMs);
    return result.rows as R[];
  }

  /** Refuses statements after the end of the transaction, which would be committed on their own. */
  #transactionQueryable(): Queryable {
    const check = (): void => {
      if (!this.#isInTransaction) throw new InvariantError('A transaction was used after its end');
    };
    return {
      query: async (statement) => {
        check();
        return await this.query(statement);
      },
      script: async (sql) => {
        check();
        await this.script(sql);
      },
    };
  }

  /** After a COMMIT that failed there is nothing left to roll back, and Postgres only warns. */
  async #rollBack(): Promise<void> {
    try {
      if (!this.#isBroken) await this.#command('rollback');
    } catch {
      this.#break();
    }
  }

  #command(text: string): Promise<PgResult> {
    return this.#send({ text }, this.#timeoutMs);
  }

  /** The deadline starts when the statement is sent, not while it waits for the one before. */
  #send(query: PgQuery, timeoutMs: number): Promise<PgResult> {
    const sent = this.#last.then(async () => {
      try {
        return await withDeadline(this.client.query(query), timeoutMs, () => this.#expire());
      } catch (error) {
        if (classify(error) === 'connection') this.#break();
        throw error;
      }
    });
    this.#last = sent.catch(() => {});
    return sent;
  }

  #expire(): void {
    destroySocket(this.client);
    requestCancel(this.client);
  }

  #break(): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    this.#onBroken();
  }
}

/** A statement of the transaction had failed, and its error was caught: Postgres then makes COMMIT a ROLLBACK. */
class TransactionAbortedError extends Error {
  readonly code = '25P02';

  constructor() {
    super(
      'The transaction was rolled back, because a statement in it had failed. Let its error reject the transaction.',
    );
    this.name = 'TransactionAbortedError';
  }
}

/** Closes the connection without a farewell that may never be answered. */
export function destroySocket(client: ClientLike): void {
  (client as { connection?: { stream?: { destroy(): void } } }).connection?.stream?.destroy();
}
