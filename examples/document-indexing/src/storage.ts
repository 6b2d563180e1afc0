import { type Database, embedded, postgres } from '@perdure/core';

/** What one run of the demo leaves behind lies here, and with a DATABASE_URL in the schemas `demo` and `demo_perdure`. */
export const folder = '.perdure/demo';

/** The schema of the engine's own tables. */
export const schema = 'demo_perdure';

export const ledgerPath = `${folder}/ledger.jsonl`;

/** A Postgres server where DATABASE_URL names one, else an embedded one in the folder. */
export function openDatabase(): Database {
  const url = process.env['DATABASE_URL'];
  return url === undefined || url === '' ? embedded({ folder: `${folder}/postgres` }) : postgres({ url });
}
