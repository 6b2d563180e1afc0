import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { postgres } from '@perdure/core';
import { createRun, createTables, findRun, type Progress } from '@perdure/example-document-rag-shared';
import pg from 'pg';
import { expect, inject, it, onTestFinished, vi } from 'vitest';
import { databases, type TestDatabase } from '../../../integration-tests/support/databases.js';
import { afterThisTest, freshDatabase, testEngine } from '../../../integration-tests/support/engines.js';
import { indexDocuments } from './src/indexing';
import { storeUpload } from './src/page/uploads';
import { openPool } from './src/pool';

const { open } = databases.find(({ name }) => name === 'postgres')!;

interface Indexed {
  readonly returned: number;
  readonly progress: Progress | null;
}

/** Indexes documents in virtual time, and answers with what the run has returned, and with how far the tables say that it is. */
async function index(answer: RequestListener, names: readonly string[]): Promise<Indexed> {
  const test = await freshDatabase(open);
  const url = urlOf(test);
  const database = postgres({ url });
  afterThisTest(() => database.close());
  const { perdure } = await testEngine({ ...test, database }, { workflows: [indexDocuments] });
  const pool = new pg.Pool({ connectionString: url });
  afterThisTest(() => pool.end());
  await createTables(pool);
  const origin = await serve(answer);
  const urls = names.map((name) => `${origin}/${name}`);
  const id = await createRun(pool, urls);
  const returned = await indexDocuments.with({ workflowId: id, engine: perdure })(id, urls);
  return { returned, progress: await findRun(pool, id) };
}

/** Where the tables of the service are in the test's schema, too. */
function urlOf({ schema }: TestDatabase): string {
  const url = new URL(inject('postgresUrl'));
  url.searchParams.set('options', `-c search_path=${schema}`);
  return url.href;
}

async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it('asks again for a document that is away for a moment', async () => {
  let requests = 0;
  const { progress } = await index(
    (_request, response) => {
      requests += 1;
      response.writeHead(requests < 3 ? 503 : 200).end('A text.');
    },
    ['a.md'],
  );
  expect(progress).toMatchObject({ indexed: 1, failed: 0, passages: 1 });
});

it('indexes the others where a document stays away', async () => {
  const { progress } = await index(
    ({ url }, response) => response.writeHead(url === '/a.md' ? 503 : 200).end('A text.'),
    ['a.md', 'b.md'],
  );
  expect(progress).toMatchObject({ documents: 2, indexed: 1, failed: 1, passages: 1 });
});

it('counts the passages of all documents that are read at once', async () => {
  const names = Array.from({ length: 8 }, (_, no) => `${no}.md`);
  const { returned, progress } = await index((_request, response) => response.end('A text.'), names);
  expect(returned).toBe(8);
  expect(progress).toMatchObject({ indexed: 8, passages: 8 });
});

it('stores files that are uploaded at once to a database without a table for them', async () => {
  const test = await freshDatabase(open);
  await test.administer(`create schema ${test.schema}`);
  vi.stubEnv('DATABASE_URL', urlOf(test));
  onTestFinished(() => void vi.unstubAllEnvs());
  const pool = await openPool();
  afterThisTest(() => pool.end());
  // Open before they are needed, so that the files really come at once.
  const clients = await Promise.all(Array.from({ length: 8 }, () => pool.connect()));
  for (const client of clients) client.release();
  const upload = { type: 'text/plain', body: new Uint8Array(1) };
  const ids = await Promise.all(Array.from({ length: 8 }, () => storeUpload(upload)));
  expect(new Set(ids).size).toBe(8);
});
