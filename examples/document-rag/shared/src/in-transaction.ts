import type pg from 'pg';

/** Commits what `work` does, or nothing of it. */
export async function inTransaction<T>(pool: pg.Pool, work: (tx: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  client.on('error', ignore);
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    client.release();
    return result;
  } catch (error) {
    // Closed instead of given back: the transaction goes with it, whatever state it is in.
    client.release(true);
    throw error;
  } finally {
    client.off('error', ignore);
  }
}

/** Where a connection is lost, the next query fails. Its event would end the process if nobody listened. */
const ignore = (): void => {};
