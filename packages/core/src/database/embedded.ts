import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { PGlite, Transaction } from '@electric-sql/pglite';
import type { Database, Parameter, Queryable, Row, Statement } from './database.js';
import { FolderLock } from './folder-lock.js';

export type EmbeddedOptions =
  | { /** Where the data is kept; made if it isn't there. */ readonly folder: string }
  | { /** Nothing is kept. */ readonly memory: true }
  | { /** Your own PGlite; it is never closed. */ readonly pglite: PGlite };

/**
 * A Postgres inside this process (PGlite), with nothing to install.
 *
 * One process at a time may use a folder; a second one is refused. PGlite never calls fsync: what is committed survives
 * `kill -9`, but not a power cut. Use a Postgres server for production.
 *
 * @throws {FolderInUseError} if another process uses the folder
 *
 * @example
 * const database = await embedded({ folder: '.perdure' });
 */
export async function embedded(options: EmbeddedOptions): Promise<Database> {
  if ('pglite' in options) return new EmbeddedDatabase(options.pglite, async () => {});
  const { PGlite } = await import('@electric-sql/pglite');
  if ('memory' in options) {
    const pglite = await PGlite.create();
    return new EmbeddedDatabase(pglite, () => pglite.close());
  }
  await mkdir(options.folder, { recursive: true });
  const lock = await FolderLock.acquire(options.folder);
  try {
    const pglite = await PGlite.create(path.join(options.folder, 'data'));
    return new EmbeddedDatabase(pglite, async () => {
      await pglite.close();
      await lock.release();
    });
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** PGlite has one connection and serves one query or transaction after the other; nothing has to be arranged here. */
class EmbeddedDatabase implements Database {
  readonly kind = 'pglite';
  readonly #pglite: PGlite;
  readonly #end: () => Promise<void>;
  #closed: Promise<void> | null = null;

  constructor(pglite: PGlite, end: () => Promise<void>) {
    this.#pglite = pglite;
    this.#end = end;
  }

  async query<R extends Row>(statement: Statement): Promise<R[]> {
    return await send<R>(this.#pglite, statement);
  }

  async script(sql: string): Promise<void> {
    await this.#pglite.exec(sql);
  }

  async transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T> {
    return await this.#pglite.transaction((tx) =>
      work({
        query: (statement) => send(tx, statement),
        async script(sql) {
          await tx.exec(sql);
        },
      }),
    );
  }

  async listen(channel: string, onNotification: (payload: string) => void) {
    const unsubscribe = await this.#pglite.listen(channel, onNotification);
    return {
      unsubscribe: async () => {
        if (!this.#pglite.closed) await unsubscribe();
      },
    };
  }

  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }
}

async function send<R extends Row>(queryable: Pick<Transaction, 'query'>, { text, values }: Statement): Promise<R[]> {
  const result = await queryable.query<R>(text, values.map(encode));
  return result.rows;
}

/** PGlite asks the server for each parameter's type and writes arrays by itself. */
function encode(value: Parameter): unknown {
  return typeof value === 'object' && value !== null ? value.values : value;
}
