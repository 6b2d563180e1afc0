import type pg from 'pg';

/** Creates the table of what is uploaded, beside those that the services have in common, and under their lock. */
export async function createUploadsTable(pool: pg.Pool): Promise<void> {
  await pool.query(`
    select pg_advisory_xact_lock(7262);
    create table if not exists uploads (id uuid primary key, type text not null, body bytea not null)`);
}
