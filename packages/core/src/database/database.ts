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
}

export interface Queryable {
  /** Sends one statement; outside a transaction it commits by itself. */
  query<R extends Row = Row>(statement: Statement): Promise<R[]>;
  /** Sends several statements without parameters, for migrations. */
  script(sql: string): Promise<void>;
}

export interface Subscription {
  /** LISTEN was accepted, but notifications don't arrive, as behind a pooler in transaction mode. */
  readonly isDeaf: boolean;
  unsubscribe(): Promise<void>;
}

export interface Database extends Queryable {
  readonly kind: 'postgres' | 'pglite';
  /** Runs `work` in one READ COMMITTED transaction: commits when it resolves, rolls back when it rejects. */
  transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T>;
  /**
   * Listens on a NOTIFY channel. Notifications are hints: `onGap` fires when some may have been missed
   * (after a reconnect, or when {@link Subscription.isDeaf} changed), and the caller then looks for itself.
   */
  listen(channel: string, onNotification: (payload: string) => void, onGap: () => void): Promise<Subscription>;
  /** Ends every connection that the driver opened itself; a caller's own pool or PGlite stays open. Idempotent. */
  close(): Promise<void>;
}
