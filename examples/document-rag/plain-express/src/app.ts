/** Indexes documents, and answers questions from their passages: `DATABASE_URL=… PORT=3000 tsx app.ts`. */
import { createServer } from 'node:http';
import {
  chat,
  createRun,
  createTables,
  findRun,
  inTransaction,
  modelFromEnvironment,
  readDocument,
  storeDocument,
  unreadDocument,
} from '@perdure/example-document-rag-shared';
import express, { type NextFunction, type Request, type Response } from 'express';
import pLimit from 'p-limit';
import pg from 'pg';
import { z } from 'zod';

const { DATABASE_URL: databaseUrl, PORT: port = '3000' } = process.env;
if (databaseUrl === undefined) throw new Error('DATABASE_URL is not set');

const pool = new pg.Pool({ connectionString: databaseUrl });
pool.on('error', (error) => console.error(`An idle connection was lost: ${error.message}`));
await createTables(pool);

const model = modelFromEnvironment(process.env);

// ---------------------------------------------------------------------------------------------------------------------
// Indexing

/** How many documents of a request are read at once. */
const concurrency = 8;

/** Reads a document, and stores its passages; returns how many it has. */
async function indexDocument(run: string, url: string): Promise<number> {
  const document = await readDocument(url).catch((error: unknown) => unreadDocument(url, error));
  return await inTransaction(pool, (tx) => storeDocument(tx, run, document));
}

/** Reads and stores all documents of a request; returns how many passages they have. */
async function indexDocuments(run: string, urls: string[]): Promise<number> {
  const limit = pLimit(concurrency);
  const passages = await Promise.all(urls.map((url) => limit(indexDocument, run, url)));
  return passages.reduce((sum, count) => sum + count, 0);
}

// ---------------------------------------------------------------------------------------------------------------------
// HTTP

const indexRequest = z.object({
  urls: z
    .array(z.url({ protocol: /^https?$/ }))
    .min(1)
    .max(10_000)
    .transform((urls) => [...new Set(urls)]),
});

const chatRequest = z.object({ message: z.string().min(1).max(2_000) });

const app = express();
app.use(express.json({ limit: '1mb' }));

app.post('/index', async (req, res) => {
  const { urls } = indexRequest.parse(req.body);
  const id = await createRun(pool, urls);
  indexDocuments(id, urls).catch((error: unknown) => console.error(`Run ${id} failed`, error));
  res.status(202).location(`/runs/${id}`).json({ id });
});

app.get('/runs/:id', async (req, res) => {
  const progress = await findRun(pool, req.params.id);
  if (progress === null) res.status(404).json({ error: 'There is no such run' });
  else res.json(progress);
});

app.post('/chat', async (req, res) => {
  const { message } = chatRequest.parse(req.body);
  res.json(await chat(pool, model, message));
});

app.use((error: Error & { status?: number }, _req: Request, res: Response, _next: NextFunction) => {
  const status = error instanceof z.ZodError ? 400 : (error.status ?? 500);
  if (status >= 500) console.error(error);
  res.status(status).json({ error: error instanceof z.ZodError ? z.prettifyError(error) : error.name });
});

const server = createServer(app);
server.listen(Number(port), '127.0.0.1', () => {
  console.log(`Listening at http://127.0.0.1:${port}`);
});

process.once('SIGTERM', () => server.close(() => process.exit()));
