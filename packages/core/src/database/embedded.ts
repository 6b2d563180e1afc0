import { join, resolve } from 'node:path';
import { encodeParameter } from './binary-array.js';
import type {
  Database,
  Queryable,
  Row,
  SharedTransaction,
  SharedTransactionOptions,
  Statement,
  Subscription,
  TransactionClient,
} from './database.js';
import { lockFolder } from './folder-lock.js';
import { InvalidArgumentError } from '../errors/errors.js';
import { DatabaseClosedError } from '../errors/storage-errors.js';
import { GuardedClient, settingsOf } from './guarded-client.js';
import { quoteIdentifier } from './identifier.js';
import { type Subscriber, Subscribers } from './subscribers.js';

/** Where the data is: in a folder, in memory only, or in your own PGlite, which is never closed. */
export type EmbeddedOptions = { readonly folder: string } | { readonly memory: true } | { readonly pglite: PGliteLike };

/** The parts of a `PGlite` that the driver uses. */
export interface PGliteLike extends PGliteQueryable {
  readonly closed: boolean;
  transaction<T>(work: (tx: PGliteQueryable) => Promise<T>): Promise<T>;
  onNotification(listener: (channel: string, payload: string) => void): () => void;
  close(): Promise<void>;
}

interface PGliteQueryable {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
  exec(sql: string): Promise<unknown>;
}

/**
 * A Postgres inside this process (PGlite), with nothing to install. It starts when it is first used, which takes seconds
 * for a new folder.
 *
 * For development and for tests: one process at a time can use a folder (another one gets a `FolderInUseError`),
 * and because PGlite never calls fsync, what is committed survives `kill -9` but not a power cut.
 *
 * @example
 * const database = embedded({ folder: '.perdure' });
 */
export function embedded(options: EmbeddedOptions): Database {
  return new EmbeddedDatabase(() => open(options));
}

interface OpenPGlite {
  readonly pglite: PGliteLike;
  end(): Promise<void>;
}

async function open(options: EmbeddedOptions): Promise<OpenPGlite> {
  if ('pglite' in options) return { pglite: options.pglite, end: async () => {} };
  const { PGlite } = await import('@electric-sql/pglite');
  if ('memory' in options) {
    const pglite = await PGlite.create('memory://');
    return { pglite, end: () => pglite.close() };
  }

  const folder = resolve(options.folder);
  const lock = await lockFolder(folder);
  try {
    const pglite = await PGlite.create(join(folder, 'data'));
    const end = async (): Promise<void> => {
      try {
        await pglite.close();
      } finally {
        await lock.release();
      }
    };
    return { pglite, end };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/**
 * PGlite is one connection: each query and each transaction waits for the one before, in PGlite's own queue. Hence a
 * statement in a transaction goes through `tx`; one sent to the database would wait for that transaction's end.
 */
class EmbeddedDatabase implements Database {
  readonly kind = 'pglite';
  readonly pools = [];
  readonly #open: () => Promise<OpenPGlite>;
  readonly #subscribers = new Subscribers();
  #opened: Promise<OpenPGlite> | null = null; // null = not yet, or the last attempt failed
  #unhear: () => void = () => {};
  #closing: Promise<void> | null = null; // null = in use

  constructor(open: () => Promise<OpenPGlite>) {
    this.#open = open;
  }

  async query<R extends Row = Row>(statement: Statement): Promise<R[]> {
    return await send<R>(await this.#pglite(), statement);
  }

  async script(sql: string): Promise<void> {
    const pglite = await this.#pglite();
    await pglite.exec(sql);
  }

  async transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T> {
    const pglite = await this.#pglite();
    return await pglite.transaction((tx) => work(queryableOf(tx)));
  }

  async sharedTransaction<T>(
    work: (transaction: SharedTransaction) => Promise<T>,
    options: SharedTransactionOptions,
  ): Promise<T> {
    const pglite = await this.#pglite();
    return await pglite.transaction(async (tx) => {
      await tx.exec(settingsOf(options));
      const guard = new GuardedClient(tx, (answer) => answer);
      const queryable = queryableOf(tx);
      try {
        return await work({
          client: guard.client as TransactionClient,
          query: <R extends Row>(statement: Statement) => guard.watch(queryable.query<R>(statement)),
          script: (sql) => guard.watch(queryable.script(sql)),
        });
      } catch (error) {
        throw guard.verdict(error);
      } finally {
        guard.close();
      }
    });
  }

  through(client: TransactionClient): Queryable {
    const what = client as Partial<Record<'exec' | 'transaction', unknown>> | null;
    if (typeof what?.exec === 'function' && what.transaction === undefined) {
      return queryableOf(client as unknown as PGliteQueryable);
    }
    throw new InvalidArgumentError('transaction must be what pglite.transaction() gives to its callback');
  }

  /** Within one process nothing is lost between, so `onGap` is never called. */
  async listen(channel: string, onNotification: (payload: string) => void, onGap: () => void): Promise<Subscription> {
    const subscriber: Subscriber = { onNotification, onGap };
    this.#subscribers.add(channel, subscriber);
    try {
      await this.script(`listen ${quoteIdentifier(channel)}`);
    } catch (error) {
      this.#subscribers.remove(channel, subscriber);
      throw error;
    }
    return {
      isDeaf: false,
      unsubscribe: async () => {
        if (!this.#subscribers.remove(channel, subscriber)) return;
        const pglite = await this.#opened;
        if (this.#closing === null && pglite?.pglite.closed === false) {
          await this.script(`unlisten ${quoteIdentifier(channel)}`);
        }
      },
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #pglite(): Promise<PGliteLike> {
    if (this.#closing !== null) throw new DatabaseClosedError();
    this.#opened ??= this.#begin();
    return (await this.#opened).pglite;
  }

  async #begin(): Promise<OpenPGlite> {
    try {
      const opened = await this.#open();
      this.#unhear = opened.pglite.onNotification((channel, payload) => this.#subscribers.notify(channel, payload));
      return opened;
    } catch (error) {
      this.#opened = null;
      throw error;
    }
  }

  async #end(): Promise<void> {
    const opened = await this.#opened?.catch(() => null);
    this.#unhear();
    await opened?.end();
  }
}

function queryableOf(tx: PGliteQueryable): Queryable {
  return {
    query: (statement) => send(tx, statement),
    script: async (sql) => {
      await tx.exec(sql);
    },
  };
}

async function send<R extends Row>(queryable: PGliteQueryable, { text, values }: Statement): Promise<R[]> {
  const { rows } = await queryable.query(text, values.map(encodeParameter));
  return rows as R[];
}
