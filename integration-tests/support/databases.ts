import { randomUUID } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import { PGlite } from '@electric-sql/pglite';
import { type Database, type Subscription, embedded, postgres } from '@perdure/core/internal';
import pg from 'pg';
import { afterAll, inject } from 'vitest';
import { lane } from './lanes.js';
import { passOn } from './pass-on.js';
import { prepareSchema } from './restricted-role.js';

/** A schema of its own for one test, on one of the two databases. */
export interface TestDatabase {
  readonly database: Database;
  readonly schema: string;
  /** Where another process can reach it; PGlite lives in this process only. */
  readonly url?: string;
  /** Runs SQL that the role of the engines may not: as the owner of the schema. */
  administer(sql: string): Promise<unknown>;
  /** A second driver on the same data, as another process or a restarted one would have. */
  reopen(): Promise<Database>;
  /** Closes every driver that was opened and drops the schema. */
  dispose(): Promise<void>;
}

interface DatabaseKind {
  readonly name: 'postgres' | 'pglite';
  readonly open: () => Promise<TestDatabase>;
}

/** Both databases, or in a lane the one that lanes are about, for `describe.each(databases)('… on $name', ({ open }) => …)`. */
export const databases: readonly DatabaseKind[] = [
  { name: 'postgres', open: openPostgres },
  ...(lane.size === 0 ? [{ name: 'pglite' as const, open: openPglite }] : []),
];

async function openPostgres(): Promise<TestDatabase & { readonly url: string }> {
  const [url, ownerUrl] = [inject('engineUrl'), inject('postgresUrl')];
  const test = testDatabase(
    () => postgres({ url }),
    (sql) => withClient(ownerUrl, (client) => client.query(sql)),
  );
  if (lane.has('restricted-role')) {
    await withClient(ownerUrl, (client) => prepareSchema(client, test.schema, new URL(url).username));
  }
  return { ...test, url };
}

/**
 * PGlite takes a second to start, so the tests of a file share one. Tests see views of it: closing one leaves the others
 * and PGlite itself open.
 */
async function openPglite(): Promise<TestDatabase> {
  sharedPglite ??= openAsBlob(inject('pgliteData')).then((loadDataDir) => PGlite.create({ loadDataDir }));
  const database = embedded({ pglite: await sharedPglite });
  return testDatabase(
    () => viewOf(database),
    (sql) => database.script(sql),
  );
}

let sharedPglite: Promise<PGlite> | undefined;

// Vitest loads this module once per test file, so this runs after that file's last test.
afterAll(async () => {
  await (await sharedPglite)?.close();
});

function testDatabase(connect: () => Database, execute: (sql: string) => Promise<unknown>): TestDatabase {
  const schema = `test_${randomUUID().replaceAll('-', '')}`;
  const opened = [connect()];
  return {
    database: opened[0]!,
    schema,
    administer: execute,
    async reopen() {
      const database = connect();
      opened.push(database);
      return database;
    },
    async dispose() {
      await Promise.all(opened.map((database) => database.close()));
      await execute(`drop schema if exists ${schema} cascade`);
    },
  };
}

/** What a forgotten transaction still locks fails the test with a message rather than hanging it. */
async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, lock_timeout: 10_000 });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function viewOf(database: Database): Database {
  const subscriptions = new Set<Subscription>();
  return {
    ...passOn(database),
    async listen(channel, onNotification, onGap) {
      const subscription = await database.listen(channel, onNotification, onGap);
      subscriptions.add(subscription);
      return subscription;
    },
    async close() {
      await Promise.all([...subscriptions].map((subscription) => subscription.unsubscribe()));
      subscriptions.clear();
    },
  };
}
