import { randomUUID } from 'node:crypto';
import type { Client } from './client.js';

/** How far a request for indexing has got. */
export interface Progress {
  readonly id: string;
  readonly documents: number;
  readonly indexed: number;
  readonly failed: number;
  readonly passages: number;
}

/** Notes what is to be indexed; returns the id of the run. */
export async function createRun(pool: Client, urls: readonly string[]): Promise<string> {
  const id = randomUUID();
  await pool.query('insert into indexing_runs (id, urls) values ($1, $2)', [id, urls]);
  return id;
}

export async function findRun(pool: Client, id: string): Promise<Progress | null> {
  const { rows } = await pool.query(
    `select
       runs.id,
       cardinality(runs.urls) as documents,
       (count(url) filter (where error is null))::int as indexed,
       (count(error))::int as failed,
       coalesce(sum(passages), 0)::int as passages
     from indexing_runs as runs
     left join indexed_documents as documents on documents.run = runs.id
     where runs.id = $1
     group by runs.id`,
    [id],
  );
  const [progress] = rows as Progress[];
  return progress ?? null;
}
