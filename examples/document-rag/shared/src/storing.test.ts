import { randomUUID } from 'node:crypto';
import pg from 'pg';
import type { PostgresServer } from '../../../../integration-tests/support/postgres-server.js';
import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import { chat, modelFromEnvironment } from './chat.js';
import { inTransaction } from './in-transaction.js';
import { createRun, findRun } from './runs.js';
import { search } from './search.js';
import { storeDocument } from './store-document.js';
import { createTables } from './tables.js';

const schema = `rag_${randomUUID().replaceAll('-', '')}`;
let pool: pg.Pool;

beforeEach(async () => {
  const connectionString: PostgresServer['url'] = inject('postgresUrl');
  pool = new pg.Pool({ connectionString, options: `-c search_path=${schema}` });
  await pool.query(`create schema if not exists ${schema}`);
  await createTables(pool);
});

afterEach(async () => {
  await pool.query(`drop schema ${schema} cascade`);
  await pool.end();
});

const documentOf = (url: string, ...texts: string[]) => ({
  url,
  passages: texts.map((text) => ({ page: 1, text })),
  error: null,
});

it('finds passages by any word of a question, the best first, and answers with their sentences', async () => {
  const run = await createRun(pool, ['a', 'b', 'c']);
  await storeDocument(
    pool,
    run,
    documentOf('a', '# Bread\n\nBread is baked for an hour. It is brown then.', 'Cats sleep.'),
  );
  await storeDocument(pool, run, documentOf('b', 'An oven is hot.'));
  const hits = await search(pool, 'How long is bread baked in an oven?');
  expect(hits.map(({ url }) => url)).toEqual(['a', 'b']);
  expect(await chat(pool, modelFromEnvironment({}), 'How long is bread baked?')).toEqual({
    content: 'Bread is baked for an hour.',
    sources: ['a'],
  });
  expect((await chat(pool, modelFromEnvironment({}), 'zeppelins?')).sources).toEqual([]);
});

it('replaces a document that is indexed again, also by two at once', async () => {
  const run = await createRun(pool, ['a']);
  const store = () => inTransaction(pool, (tx) => storeDocument(tx, run, documentOf('a', 'one', 'two')));
  await Promise.all(Array.from({ length: 8 }, store));
  const { rows } = await pool.query<{ count: number }>('select count(*)::int as count from passages');
  expect(rows).toEqual([{ count: 2 }]);
});

it('keeps the passages of a document that cannot be read any more', async () => {
  const run = await createRun(pool, ['a', 'a']);
  await storeDocument(pool, run, documentOf('a', 'one', 'two'));
  expect(await storeDocument(pool, run, { url: 'a', passages: [], error: 'gone' })).toBe(0);
  const { rows } = await pool.query<{ count: number }>('select count(*)::int as count from passages');
  expect(rows).toEqual([{ count: 2 }]);
});

it('stores nothing of a document whose transaction fails', async () => {
  const run = await createRun(pool, ['a']);
  const failed = inTransaction(pool, async (tx) => {
    await storeDocument(tx, run, documentOf('a', 'one'));
    throw new Error('no');
  });
  await expect(failed).rejects.toThrow('no');
  expect(await findRun(pool, run)).toEqual({ id: run, documents: 1, indexed: 0, failed: 0, passages: 0 });
});

it('fails a transaction whose connection is lost between two queries, and nothing else', async () => {
  const failed = inTransaction(pool, async (tx) => {
    const { rows } = await tx.query<{ pid: number }>('select pg_backend_pid() as pid');
    const lost = new Promise((resolve) => tx.once('end', () => resolve(null)));
    await pool.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
    await lost;
    await tx.query('select 1');
  });
  await expect(failed).rejects.toThrow('not queryable');
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
});

it('tells how far a run is', async () => {
  const run = await createRun(pool, ['a', 'b', 'c']);
  await storeDocument(pool, run, documentOf('a', 'one', 'two'));
  await storeDocument(pool, run, { url: 'b', passages: [], error: 'gone' });
  expect(await findRun(pool, run)).toEqual({ id: run, documents: 3, indexed: 1, failed: 1, passages: 2 });
  expect(await findRun(pool, 'none')).toBeNull();
});
