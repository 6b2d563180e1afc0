/**
 * The port between the store and a Postgres server. Two drivers implement it: `pg` and PGlite.
 *
 * Use it for tables of your own, if you like: `postgres()` and `embedded()` open one. Don't implement it outside this
 * repository: it may get further methods without a major version.
 */

export type Row = Record<string, unknown>;

export type Scalar = string | number | boolean | null;

/** A Postgres array as one parameter, sent in binary: the SQL must cast it to exactly this type, as in `$1::text[]`. */
export interface ArrayParameter {
  readonly arrayOf: 'text' | 'int4' | 'int8' | 'bool' | 'uuid';
  readonly values: readonly Scalar[];
}

export type Parameter = Scalar | ArrayParameter;

export interface Statement {
  /** Stands for exactly this text; drivers prepare the statement under it, and tests count by it. */
  readonly name: string;
  readonly text: string;
  readonly values: readonly Parameter[];
  /**
   * `control` statements (the heartbeat) travel on a connection of their own, so that a busy pool cannot starve them.
   * Everything else is `shared`, the default.
   */
  readonly lane?: 'control' | 'shared';
  /**
   * Set where the planner takes a statement for far more work than it is: the server would compile it (`jit`), which takes
   * seconds. Outside a transaction it costs two more round trips.
   */
  readonly withoutJit?: boolean;
}

export interface Queryable {
  /** Sends one statement; outside a transaction it commits by itself. */
  query<R extends Row = Row>(statement: Statement): Promise<R[]>;
  /** Sends several statements without parameters, for migrations. */
  script(sql: string): Promise<void>;
}

export type IsolationLevel = 'read committed' | 'repeatable read' | 'serializable';

/** What a transaction's user writes with: a client of `pg`, or PGlite's transaction. Annotate it with the type that yours is. */
export interface TransactionClient {
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller says what its rows are, as with `pg`
  query<R extends Row = Row>(text: string, values?: unknown[]): Promise<{ rows: R[] }>;
}

/** A transaction that user code and the store share. */
export interface SharedTransaction extends Queryable {
  /** For user code. It refuses to work after the end of the transaction, and to end it. */
  readonly client: TransactionClient;
}

export interface SharedTransactionOptions {
  readonly isolationLevel: IsolationLevel;
  /** The setting `perdure.transaction` holds it until the transaction ends. Letters, digits and hyphens. */
  readonly id: string;
}

export interface Subscription {
  /** LISTEN was accepted, but notifications don't arrive, as behind a pooler in transaction mode. */
  readonly isDeaf: boolean;
  unsubscribe(): Promise<void>;
}

/** Some connections that are shared, as metrics tell of them. */
export interface ConnectionPool {
  readonly name: string;
  /** The same for those that are one pool, which several engines may share. */
  readonly identity: object;
  /** Null where the pool doesn't say. */
  readonly counts: () => { readonly used: number; readonly idle: number } | null;
  /** Calls back whenever a connection was got, until what is returned is called. */
  readonly onTaken: (listener: (waitedMs: number) => void) => () => void;
}

export interface Database extends Queryable {
  readonly kind: 'postgres' | 'pglite';
  /** Its pools; PGlite has none. */
  readonly pools: readonly ConnectionPool[];
  /** Runs `work` in one READ COMMITTED transaction: commits when it resolves, rolls back when it rejects. */
  transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T>;
  /**
   * Runs user code in a transaction, on connections apart from those of the engine: what user code holds and waits for
   * must not hold up a checkpoint (PGlite has one connection for all). `work` sees the errors of its own statements.
   *
   * @throws {TransactionConflictError} if it was rolled back and may go through when it is run again
   * @throws {TransactionInDoubtError} if the connection was lost: it may or may not have committed
   */
  sharedTransaction<T>(
    work: (transaction: SharedTransaction) => Promise<T>,
    options: SharedTransactionOptions,
  ): Promise<T>;
  /**
   * The store's statements, on a client with which the caller has begun a transaction.
   *
   * @throws {InvalidArgumentError} if it is no client of this database's driver
   */
  through(client: TransactionClient): Queryable;
  /**
   * Listens on a NOTIFY channel. Notifications are hints: `onGap` fires when some may have been missed
   * (after a reconnect, or when {@link Subscription.isDeaf} changed), and the caller then looks for itself.
   */
  listen(channel: string, onNotification: (payload: string) => void, onGap: () => void): Promise<Subscription>;
  /** Ends every connection that the driver opened itself; a caller's own pool or PGlite stays open. Idempotent. */
  close(): Promise<void>;
}
