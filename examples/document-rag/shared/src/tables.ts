import type { Client } from './client.js';

/**
 * Creates what is not there yet. Where the extension `vector` is in the database, passages are found by what they mean, too.
 *
 * Neither table refuses a document that comes twice: whoever counts sees whether one did.
 */
export async function createTables(pool: Client): Promise<void> {
  const { rows } = await pool.query(
    `select case when to_regtype('vector') is null then 'real[]' else 'vector' end as type`,
  );
  const [column] = rows as { readonly type: string }[];
  // One message of several statements is one transaction. Two processes that start at once would be in each other's way.
  await pool.query(`
    select pg_advisory_xact_lock(7262);
    create table if not exists indexing_runs (id text primary key, urls text[] not null);
    create table if not exists indexed_documents (
      run text not null,
      url text not null,
      passages integer not null,
      error text
    );
    create index if not exists indexed_documents_run on indexed_documents (run, url);
    create table if not exists passages (
      url text not null,
      page integer not null,
      ordinal integer not null,
      passage text not null,
      words tsvector generated always as (to_tsvector('english', passage)) stored,
      embedding ${column?.type ?? 'real[]'}
    );
    create index if not exists passages_url on passages (url);
    create index if not exists passages_words on passages using gin (words)`);
}
