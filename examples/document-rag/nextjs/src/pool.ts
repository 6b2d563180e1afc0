import { createTables } from '@perdure/example-document-rag-shared';
import pg from 'pg';
import { createUploadsTable } from './page/uploads-table';

const opened: { pool?: Promise<pg.Pool> } = {};

/** Not opened before somebody asks: `next build` loads this, too. */
export function openPool(): Promise<pg.Pool> {
  return (opened.pool ??= open().catch((error: unknown) => {
    delete opened.pool; // whoever asks next tries again
    throw error;
  }));
}

async function open(): Promise<pg.Pool> {
  const connectionString = process.env['DATABASE_URL'];
  if (connectionString === undefined) throw new Error('DATABASE_URL is not set');
  const pool = new pg.Pool({ connectionString });
  pool.on('error', (error) => console.error(`An idle connection was lost: ${error.message}`));
  await createTables(pool);
  await createUploadsTable(pool);
  return pool;
}
