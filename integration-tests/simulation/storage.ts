import { PGlite } from '@electric-sql/pglite';
import { type Database, embedded, migrate } from '@perdure/core/internal';
import { channelOf } from '../../packages/core/src/store/notifications.js';
import { PreparingPGlite } from './preparing-pglite.js';

const schema = 'simulation';

/**
 * The database of one simulation after another: a PGlite in memory, which is emptied rather than opened anew. What the
 * tables looked like before must not show: identities begin anew, and so do the plans of statements.
 */
export class Storage {
  readonly schema = schema;
  /** Where transactional steps write. */
  readonly table = `${schema}_effects`;
  readonly database: Database;
  readonly #pglite: PreparingPGlite;
  readonly #tables: string;
  #onNotification: (payload: string) => void = () => {};

  private constructor(pglite: PreparingPGlite, database: Database, tables: string) {
    this.#pglite = pglite;
    this.database = database;
    this.#tables = tables;
  }

  /** @param data of a new PGlite, to start it in a quarter of the time */
  static async open(data?: Blob): Promise<Storage> {
    const pglite = new PreparingPGlite(await PGlite.create(data === undefined ? {} : { loadDataDir: data }));
    const database = embedded({ pglite });
    await migrate(database, schema);
    await database.script(`create table ${schema}_effects (workflow_id text, path text)`);
    const [found] = await database.query<{ tables: string }>({
      name: 'tables',
      text: `select string_agg(format('%I.%I', schemaname, tablename), ', ' order by tablename) as tables
        from pg_tables where (schemaname = '${schema}' and tablename <> 'migrations') or tablename = '${schema}_effects'`,
      values: [],
    });
    // What a plan is must depend on the seed alone, and not on how often the statement came before.
    await database.script('set plan_cache_mode = force_generic_plan');
    const storage = new Storage(pglite, database, found!.tables);
    await database.listen(
      channelOf(schema),
      (payload) => storage.#onNotification(payload),
      () => {},
    );
    return storage;
  }

  /** Forgets everything, and tells somebody else of notifications. */
  async begin(onNotification: (channel: string, payload: string) => void): Promise<void> {
    await this.database.script(`truncate ${this.#tables} restart identity; discard plans`);
    const channel = channelOf(schema);
    this.#onNotification = (payload) => onNotification(channel, payload);
  }

  async rows<R extends Record<string, unknown>>(text: string, values: readonly (string | number)[] = []): Promise<R[]> {
    return await this.database.query<R>({ name: 'simulation', text, values });
  }

  async close(): Promise<void> {
    await this.database.close();
    await this.#pglite.close();
  }
}
