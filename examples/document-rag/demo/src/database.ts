import pg from 'pg';

/** Makes a database anew on the server that DATABASE_URL names, and returns its URL. */
export async function createDatabase(name: string): Promise<string> {
  const serverUrl = process.env['DATABASE_URL'] ?? '';
  if (serverUrl === '') throw new Error('Set DATABASE_URL to a Postgres server where databases may be created.');
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  await client.query(`drop database if exists ${name} with (force)`);
  await client.query(`create database ${name}`);
  await client.end();
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

export interface Counts {
  readonly indexed: number;
  /** Documents that a run has indexed more than once. */
  readonly indexedTwice: number;
  readonly passages: number;
  /** Passages that are there more than once. */
  readonly passagesTwice: number;
}

/** Counts what is in the tables: what the service or the engine believes plays no part. */
export async function countRows(databaseUrl: string, run: string): Promise<Counts> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query<Counts>(
    `select
       (select count(distinct url)::int from indexed_documents where run = $1 and error is null) as indexed,
       (select (count(*) - count(distinct url))::int from indexed_documents where run = $1) as "indexedTwice",
       (select count(*)::int from passages) as passages,
       (select (count(*) - count(distinct (url, ordinal)))::int from passages) as "passagesTwice"`,
    [run],
  );
  await client.end();
  if (rows[0] === undefined) throw new Error('Nothing was counted');
  return rows[0];
}
