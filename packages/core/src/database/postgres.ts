import pg from 'pg';
import { ControlConnection } from './control-connection.js';
import { DatabaseClosedError } from '../errors/storage-errors.js';
import { InvalidArgumentError } from '../errors/errors.js';
import type {
  ConnectionPool,
  Database,
  Parameter,
  Queryable,
  Row,
  SharedTransaction,
  SharedTransactionOptions,
  Statement,
  Subscription,
  TransactionClient,
} from './database.js';
import { withDeadline } from './deadline.js';
import { DedicatedConnection } from './dedicated-connection.js';
import { Listener } from './listener.js';
import type { PoolClientLike, PoolLike } from './pg-like.js';
import { type Pool, ownPool, sharedPool } from './pool.js';
import { encodeParameter } from './binary-array.js';
import { PreparedStatements } from './prepared-statements.js';
import { Session, destroySocket } from './session.js';
import { Silences } from './silences.js';
import { TransactionInDoubtError } from './transaction-errors.js';

export type { PoolLike } from './pg-like.js';

/** Where the server is: a connection string, `pg`'s settings one by one, or your own Pool, which is never closed. */
export type PostgresOptions = (
  { readonly url?: string } | { readonly config: ConnectionConfig } | { readonly pool: PoolLike }
) & {
  /** Connections in the pool, besides one for heartbeats and one for LISTEN; 10 by default. */
  readonly poolSize?: number;
  /** Connections for transactional steps at most, opened when they are needed; 5 by default. */
  readonly transactionPoolSize?: number;
  /** How long one statement may take before its connection is given up; 30,000 by default. */
  readonly statementTimeoutMs?: number;
  /** The same for heartbeats and for the connection that listens; 5,000 by default. */
  readonly controlTimeoutMs?: number;
  /** What `pg_stat_activity` shows; `perdure` by default. */
  readonly applicationName?: string;
};

/** The settings of `pg` that say where the server is and who connects. */
export interface ConnectionConfig {
  readonly connectionString?: string;
  readonly host?: string;
  readonly port?: number;
  readonly database?: string;
  readonly user?: string;
  readonly password?: string | (() => string | Promise<string>);
  /** `true`, or the options of Node's `tls.connect`. */
  readonly ssl?: boolean | object;
}

/**
 * A database on a Postgres server. It connects when it is first used.
 *
 * @example
 * const database = postgres({ url: process.env.DATABASE_URL });
 */
export function postgres(options: PostgresOptions): Database {
  return new PostgresDatabase(options);
}

class PostgresDatabase implements Database {
  readonly kind = 'postgres';
  readonly pools: readonly ConnectionPool[];
  readonly #pool: Pool;
  readonly #transactionPool: Pool;
  readonly #control: ControlConnection;
  readonly #listener: Listener;
  readonly #prepared = new PreparedStatements();
  readonly #silences = new Silences();
  readonly #statementTimeoutMs: number;
  #closing: Promise<void> | null = null; // null = in use

  constructor(options: PostgresOptions) {
    this.#statementTimeoutMs = options.statementTimeoutMs ?? 30_000;
    const controlTimeoutMs = options.controlTimeoutMs ?? 5_000;
    const config = clientConfig(options);
    this.#pool =
      'pool' in options
        ? sharedPool('engine', options.pool)
        : ownPool('engine', {
            ...config,
            max: options.poolSize ?? 10,
            connectionTimeoutMillis: this.#statementTimeoutMs,
          });
    this.#transactionPool = ownPool('transactional steps', {
      ...config,
      max: options.transactionPoolSize ?? 5,
      connectionTimeoutMillis: this.#statementTimeoutMs,
    });
    this.pools = [this.#pool, this.#transactionPool];
    const connect = (): Promise<DedicatedConnection> =>
      DedicatedConnection.open(config, this.#prepared, controlTimeoutMs);
    this.#control = new ControlConnection(connect);
    this.#listener = new Listener(connect, (channel) =>
      this.query({ name: 'perdure_echo', text: `select pg_notify($1::text, '')::text`, values: [channel] }),
    );
  }

  async query<R extends Row = Row>(statement: Statement): Promise<R[]> {
    this.#checkOpen();
    if (statement.lane === 'control') return await this.#control.query<R>(statement);
    return await this.#withSession(this.#pool, (session) => session.query<R>(statement));
  }

  async script(sql: string): Promise<void> {
    this.#checkOpen();
    await this.#withSession(this.#pool, (session) => session.script(sql));
  }

  async transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T> {
    this.#checkOpen();
    return await this.#withSession(this.#pool, (session) => session.transaction(work));
  }

  async sharedTransaction<T>(
    work: (transaction: SharedTransaction) => Promise<T>,
    options: SharedTransactionOptions,
  ): Promise<T> {
    this.#checkOpen();
    let hasConnection = false;
    try {
      return await this.#withSession(this.#transactionPool, async (session) => {
        hasConnection = true;
        return await session.sharedTransaction(work, options);
      });
    } catch (error) {
      // Whatever kept it from connecting is nothing that its user can mend.
      throw hasConnection ? error : new TransactionInDoubtError(error);
    }
  }

  /** Without prepared statements, of which a client that may go through a pooler is not told. */
  through(client: TransactionClient): Queryable {
    checkClient(client);
    const send = async (text: string, values: readonly Parameter[]) =>
      await client.query(text, values.map(encodeParameter));
    return {
      query: async <R extends Row>({ text, values }: Statement) => (await send(text, values)).rows as R[],
      script: async (sql) => void (await client.query(sql)),
    };
  }

  async listen(channel: string, onNotification: (payload: string) => void, onGap: () => void): Promise<Subscription> {
    this.#checkOpen();
    return await this.#listener.listen(channel, onNotification, onGap);
  }

  close(): Promise<void> {
    this.#closing ??= Promise.all([
      this.#listener.close(),
      this.#control.close(),
      this.#transactionPool.end(),
      this.#pool.end(),
    ]).then(() => {});
    return this.#closing;
  }

  #checkOpen(): void {
    if (this.#closing !== null) throw new DatabaseClosedError();
  }

  async #withSession<T>(pool: Pool, work: (session: Session) => Promise<T>): Promise<T> {
    const taken = await this.#take(pool);
    try {
      return await work(taken.session);
    } finally {
      if (taken.session.isSilent) this.#silences.occurred();
      else this.#silences.answered(taken.client);
      giveBack(taken, taken.session.isBroken);
    }
  }

  async #take(pool: Pool): Promise<Taken> {
    for (;;) {
      const taken = await this.#takeAny(pool);
      if (!this.#silences.isDoubtful(taken.client)) return taken;
      giveBack(taken, true);
    }
  }

  async #takeAny(pool: Pool): Promise<Taken> {
    const taking = pool.take((client) => {
      return { client, session: new Session(client, this.#prepared, this.#statementTimeoutMs) };
    });
    // A client that comes too late goes back at once.
    const giveBackLate = (): void =>
      void taking.then((taken) => giveBack(taken, taken.session.isBroken)).catch(() => {});
    return await withDeadline(taking, this.#statementTimeoutMs, giveBackLate);
  }
}

/** A client of the pool, and the session on it. */
interface Taken {
  readonly client: PoolClientLike;
  readonly session: Session;
}

function giveBack({ client, session }: Taken, isUseless: boolean): void {
  if (isUseless) destroySocket(client);
  client.release(isUseless);
  session.detach();
}

function checkClient(client: TransactionClient): void {
  const what = client as Partial<Record<'query' | 'totalCount', unknown>> | null;
  if (typeof what?.query !== 'function') {
    throw new InvalidArgumentError('transaction must be the client of pg with which the transaction was begun');
  }
  if (what.totalCount !== undefined) {
    throw new InvalidArgumentError(
      'transaction is a Pool, which sends each statement over any connection. Pass the client from pool.connect() on which you sent BEGIN.',
    );
  }
}

function clientConfig(options: PostgresOptions): pg.ClientConfig {
  const config = {
    fallback_application_name: options.applicationName ?? 'perdure',
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  };
  if ('pool' in options) {
    // `pg` hides the password from enumeration.
    const settings: pg.ClientConfig = options.pool.options;
    return { ...config, ...settings, password: settings.password };
  }
  if ('config' in options) return { ...config, ...(options.config as pg.ClientConfig) };
  return options.url === undefined ? config : { ...config, connectionString: checkUrl(options.url) };
}

/** The url is not repeated in the message: it may hold a password. */
function checkUrl(url: string): string {
  if (!/^postgres(ql)?:\/\//.test(url)) {
    throw new InvalidArgumentError('databaseUrl must begin with postgres:// or postgresql://');
  }
  try {
    // What the pool would do when it connects for the first time.
    void new pg.Client({ connectionString: url });
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_INVALID_URL' || error instanceof URIError) {
      throw new InvalidArgumentError(
        'databaseUrl is not a valid URL. Write it as postgres://user:password@host:5432/database, with special characters percent-encoded.',
      );
    }
    // The parameters of TLS: files that are not there, or modes that contradict each other.
    throw new InvalidArgumentError(`The parameters of databaseUrl cannot be used: ${(error as Error).message}`);
  }
  return url;
}
