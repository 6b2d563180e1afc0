import type { Row } from './database.js';

/**
 * The parts of a `pg` Pool that the driver uses. Yours may come from another version of `pg`, or from a package of the
 * same shape.
 */
export interface PoolLike {
  /** What the pool makes its connections from; the driver makes two of its own from it. */
  readonly options: object;
  /** All connections, and those that nobody uses. */
  readonly totalCount?: number;
  readonly idleCount?: number;
  connect(): Promise<PoolClientLike>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  removeListener(event: 'error', listener: (error: Error) => void): unknown;
}

export interface ClientLike {
  query(query: PgQuery): Promise<PgResult>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  removeListener(event: 'error', listener: (error: Error) => void): unknown;
}

export interface PoolClientLike extends ClientLike {
  /** `true` closes the connection instead of keeping it for others. */
  release(destroy?: boolean): void;
}

export interface PgQuery {
  readonly name?: string;
  readonly text: string;
  readonly values?: unknown[];
}

export interface PgResult {
  readonly command: string;
  readonly rows: Row[];
}
