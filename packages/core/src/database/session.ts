import { requestCancel } from './cancel-request.js';
import type {
  Queryable,
  Row,
  SharedTransaction,
  SharedTransactionOptions,
  Statement,
  TransactionClient,
} from './database.js';
import { classify } from './database-errors.js';
import { withDeadline } from './deadline.js';
import { GuardedClient, settingsOf, verdictOf } from './guarded-client.js';
import { InvariantError } from '../errors/errors.js';
import { DeadlineError } from '../errors/storage-errors.js';
import type { ClientLike, PgQuery, PgResult } from './pg-like.js';
import { TransactionInDoubtError } from './transaction-errors.js';
import type { PreparedStatements } from './prepared-statements.js';

const plainBegin = 'begin isolation level read committed';

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
  #isSilent = false;
  #transaction: 'plain' | 'shared' | null = null; // null = none is open
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

  /** Whether a statement got no answer in time. */
  get isSilent(): boolean {
    return this.#isSilent;
  }

  /** Calls `onBroken` once when the connection is lost, at once if it is already. */
  whenBroken(onBroken: () => void): void {
    if (this.#isBroken) onBroken();
    else this.#onBroken = onBroken;
  }

  async query<R extends Row = Row>(statement: Statement): Promise<R[]> {
    // An error ends a transaction. Nobody repeats this one, so nothing is risked in it.
    if (this.#transaction === 'plain') return await this.#queryOnce(this.#prepared.unnamed(statement));
    const isAlone = statement.withoutJit === true && this.#transaction === null;
    const send = (query: PgQuery): Promise<R[]> =>
      isAlone
        ? this.transaction(() => this.#queryOnce<R>(query), `${plainBegin}; set local jit = off`)
        : this.#queryOnce<R>(query);
    try {
      return await send(this.#prepared.named(statement));
    } catch (error) {
      // A shared transaction is repeated by its caller.
      if (!this.#prepared.giveUpAfter(error) || this.#transaction === 'shared') throw error;
      return await send(this.#prepared.unnamed(statement));
    }
  }

  async script(sql: string): Promise<void> {
    await this.#send({ text: sql }, scriptTimeoutMs);
  }

  /** Sends a statement without parameters, unprepared. */
  command(text: string): Promise<PgResult> {
    return this.#send({ text }, this.#timeoutMs);
  }

  /** See {@link Database.transaction}. */
  async transaction<T>(
    work: (tx: Queryable) => Promise<T>,
    begin = plainBegin,
    kind: 'plain' | 'shared' = 'plain',
  ): Promise<T> {
    await this.command(begin);
    this.#transaction = kind;
    try {
      const result = await work(this.#transactionQueryable());
      const { command } = await this.command('commit');
      // Postgres' answer if a statement had failed and `work` went on regardless.
      if (command === 'ROLLBACK') throw new TransactionAbortedError();
      return result;
    } catch (error) {
      await this.#rollBack();
      throw error;
    } finally {
      this.#transaction = null;
    }
  }

  /** See {@link Database.sharedTransaction}. */
  async sharedTransaction<T>(
    work: (transaction: SharedTransaction) => Promise<T>,
    options: SharedTransactionOptions,
  ): Promise<T> {
    // The server ends a statement that is slow by itself; only one that does not answer at all meets the client's deadline.
    const timeoutMs = this.#timeoutMs + serverHeadStartMs;
    const begin = `begin; ${settingsOf(options)}; ${limitStatements(this.#timeoutMs)}`;
    const guard = new GuardedClient(this.client as ClientLike & TransactionClient, (answer) =>
      withDeadline(answer, timeoutMs, () => void this.#cutOff()),
    );
    const inTransaction = async (tx: Queryable): Promise<T> => {
      try {
        return await work({
          client: guard.client,
          query: (statement) => guard.watch(tx.query(statement)),
          script: (sql) => guard.watch(tx.script(sql)),
        });
      } catch (error) {
        // Nobody waits for that statement any more, and ROLLBACK would.
        if (guard.isBusy) void requestCancel(this.client);
        const verdict = guard.verdict(error);
        if (verdict instanceof TransactionInDoubtError) this.#break();
        throw new BodyFailedError(verdict);
      } finally {
        guard.close();
      }
    };
    try {
      return await this.transaction(inTransaction, begin, 'shared');
    } catch (error) {
      // Otherwise BEGIN or COMMIT failed.
      throw error instanceof BodyFailedError ? error.cause : verdictOf(error, error);
    }
  }

  /** Ends the session's interest in the connection, which may go on living. */
  detach(): void {
    this.#onBroken = () => {};
    this.client.removeListener('error', this.#onError);
  }

  async #queryOnce<R extends Row>(query: PgQuery): Promise<R[]> {
    const result = await this.#send(query, this.#timeoutMs);
    return result.rows as R[];
  }

  /** Refuses statements after the end of the transaction, which would be committed on their own. */
  #transactionQueryable(): Queryable {
    const check = (): void => {
      if (this.#transaction === null) throw new InvariantError('A transaction was used after its end');
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
      if (!this.#isBroken) await this.command('rollback');
    } catch {
      this.#break();
    }
  }

  /** The deadline starts when the statement is sent, not while it waits for the one before. */
  #send(query: PgQuery, timeoutMs: number): Promise<PgResult> {
    const sent = this.#last.then(async () => {
      try {
        return await withDeadline(this.client.query(query), timeoutMs, () => (this.#isSilent = true));
      } catch (error) {
        if (error instanceof DeadlineError) await this.#cutOff();
        if (classify(error) === 'connection') this.#break();
        throw error;
      }
    });
    this.#last = sent.catch(() => {});
    return sent;
  }

  async #cutOff(): Promise<void> {
    this.#isSilent = true;
    await requestCancel(this.client);
    destroySocket(this.client);
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

/** Carries what the body threw past the handling of what BEGIN and COMMIT throw. */
class BodyFailedError extends Error {
  constructor(cause: unknown) {
    super('The body of a transaction failed', { cause });
  }
}

const serverHeadStartMs = 5_000;

/** A limit that the role, the database or the user has set already stands. */
const limitStatements = (timeoutMs: number): string =>
  `select set_config('statement_timeout', '${timeoutMs}', true) where current_setting('statement_timeout') = '0'`;

/** Closes the connection without a farewell that may never be answered. */
export function destroySocket(client: ClientLike): void {
  (client as { connection?: { stream?: { destroy(): void } } }).connection?.stream?.destroy();
}
