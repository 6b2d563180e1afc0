import type { Client } from './client.js';
import type { Document, Passage } from './document.js';
import { embed } from './embed.js';

/**
 * Replaces the passages of a document, and notes that a run has indexed it. One that could not be read keeps those that it
 * has. Returns how many passages were stored.
 *
 * @param tx all of it or nothing
 */
export async function storeDocument(tx: Client, run: string, { url, passages, error }: Document): Promise<number> {
  if (error === null) await replacePassages(tx, url, passages);
  await tx.query('insert into indexed_documents (run, url, passages, error) values ($1, $2, $3, $4)', [
    run,
    url,
    passages.length,
    error,
  ]);
  return passages.length;
}

async function replacePassages(tx: Client, url: string, passages: readonly Passage[]): Promise<void> {
  // Two runs may have the same document.
  await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [url]);
  await tx.query('delete from passages where url = $1', [url]);
  const items = passages.map(({ page, text }, ordinal) => ({ page, ordinal, passage: text, embedding: embed(text) }));
  await tx.query(
    `insert into passages (url, page, ordinal, passage, embedding)
     select $1, page, ordinal, passage, case when to_regtype('vector') is not null then embedding end
     from jsonb_to_recordset($2::jsonb) as item (page int, ordinal int, passage text, embedding real[])`,
    [url, JSON.stringify(items)],
  );
}
