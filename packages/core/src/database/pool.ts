import pg from 'pg';
import { endClient } from './dedicated-connection.js';
import type { PoolClientLike, PoolLike } from './pg-like.js';

/** A pool that the driver draws from, its own or the application's. */
export interface Pool {
  connect(): Promise<PoolClientLike>;
  end(): Promise<void>;
}

export function ownPool(config: pg.PoolConfig): Pool {
  const pool = new pg.Pool(config);
  const clients = new Set<pg.PoolClient>();
  pool.on('error', ignoreIdleError);
  pool.on('connect', (client) => {
    clients.add(client);
    // The pool takes its own listener off a client before it hands it out: an error in between must not end the process.
    client.on('error', ignoreIdleError);
  });
  pool.on('remove', (client) => clients.delete(client));
  return {
    connect: () => pool.connect(),
    async end() {
      // Resolves before the sockets are closed.
      await pool.end();
      await Promise.all([...clients].map((client) => endClient(client)));
    },
  };
}

/** The application's pool is not closed: it serves others too. */
export function sharedPool(pool: PoolLike): Pool {
  pool.on('error', ignoreIdleError);
  return {
    connect: () => pool.connect(),
    async end() {
      pool.removeListener('error', ignoreIdleError);
    },
  };
}

/**
 * The pool has dropped the client already. Without a listener, an idle connection that the server closes would end the
 * process.
 */
function ignoreIdleError(): void {}
