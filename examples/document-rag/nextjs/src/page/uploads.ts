import { randomUUID } from 'node:crypto';
import { openPool } from '../pool';

/** A file that somebody has put on the page. It is kept where any process finds it. */
export interface Upload {
  readonly type: string;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Returns the id that it is found by. */
export async function storeUpload({ type, body }: Upload): Promise<string> {
  const pool = await openPool();
  const id = randomUUID();
  await pool.query('insert into uploads (id, type, body) values ($1, $2, $3)', [id, type, body]);
  return id;
}

export async function findUpload(id: string): Promise<Upload | null> {
  const pool = await openPool();
  const { rows } = await pool.query<Upload>('select type, body from uploads where id::text = $1', [id]);
  return rows[0] ?? null;
}
