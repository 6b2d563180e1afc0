import { type Database, embedded, postgres } from '@perdure/core';

/** What a run of the demo leaves in the file system. */
export const folder = '.perdure/demo';

export const ledgerPath = `${folder}/ledger.jsonl`;

/** The schema of the engine's tables. The passages have one of their own: see passages.ts. */
export const schema = 'perdure_demo_engine';

export const leaseSeconds = 3;

const url = process.env['DATABASE_URL'] ?? '';

export const databaseName = url === '' ? 'an embedded Postgres' : 'your Postgres';

/** The Postgres server that DATABASE_URL names, or else an embedded one, which one process at a time may open. */
export function openDatabase(): Database {
  return url === '' ? embedded({ folder: `${folder}/postgres` }) : postgres({ url });
}

export async function withDatabase<T>(work: (database: Database) => Promise<T>): Promise<T> {
  const database = openDatabase();
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}
