import pg from 'pg';
import { SystemClock } from '../seams/system-clock.js';
import type { ConnectionPool } from './database.js';
import { endClient } from './dedicated-connection.js';
import type { PoolClientLike, PoolLike } from './pg-like.js';
import { PoolWaits } from './pool-waits.js';

/** A pool that the driver draws from, its own or the application's. */
export interface Pool extends ConnectionPool {
  /**
   * Takes a client, and resolves with what `onClient` makes of it.
   *
   * `onClient` must listen for the client's errors: it is called in the very turn in which the pool stops doing so, and
   * a connection that the server cuts while nobody listens ends the process.
   */
  take<T>(onClient: (client: PoolClientLike) => T): Promise<T>;
  end(): Promise<void>;
}

export function ownPool(name: string, config: pg.PoolConfig): Pool {
  const pool = new pg.Pool(config);
  const clients = new Set<pg.PoolClient>();
  pool.on('error', ignoreIdleError);
  pool.on('connect', (client) => clients.add(client));
  pool.on('remove', (client) => clients.delete(client));
  return {
    ...watchable(name, pool),
    async end() {
      // Resolves before the sockets are closed.
      await pool.end();
      await Promise.all([...clients].map((client) => endClient(client)));
    },
  };
}

/** The application's pool is not closed: it serves others too. */
export function sharedPool(name: string, pool: PoolLike): Pool {
  pool.on('error', ignoreIdleError);
  return {
    ...watchable(name, pool),
    async end() {
      pool.removeListener('error', ignoreIdleError);
    },
  };
}

function watchable(name: string, pool: PoolLike): Omit<Pool, 'end'> {
  const waits = new PoolWaits(new SystemClock());
  return {
    name,
    identity: pool,
    take(onClient) {
      const taken = waits.begin();
      return takeFrom(pool, (client) => {
        const made = onClient(client);
        taken();
        return made;
      });
    },
    counts() {
      const { totalCount, idleCount } = pool;
      if (totalCount === undefined || idleCount === undefined) return null;
      return { used: totalCount - idleCount, idle: idleCount };
    },
    onTaken: (listener) => waits.listen(listener),
  };
}

/**
 * A promise would come too late: what the server says in the same packet as its welcome is read before any `await`
 * goes on. Only a callback is called at once.
 */
function takeFrom<T>(pool: PoolLike, onClient: (client: PoolClientLike) => T): Promise<T> {
  return new Promise((resolve, reject) => {
    const taken = (pool as CallbackPool).connect((error, client) => {
      if (client === undefined) reject(error);
      else resolve(onClient(client));
    });
    // A pool of the same shape may know promises only.
    taken?.then((client) => resolve(onClient(client)), reject);
  });
}

interface CallbackPool {
  connect(
    callback: (...answer: [error: Error, client: undefined] | [error: undefined, client: PoolClientLike]) => void,
  ): Promise<PoolClientLike> | undefined;
}

/**
 * The pool has dropped the client already. Without a listener, an idle connection that the server closes would end the
 * process.
 */
function ignoreIdleError(): void {}
