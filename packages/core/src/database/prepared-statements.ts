import { createHash } from 'node:crypto';
import { encodeParameter } from './binary-array.js';
import type { Statement } from './database.js';
import type { PgQuery } from './pg-like.js';

/**
 * Turns statements into queries of `pg`: prepared under their names, as long as the server goes along.
 *
 * A pooler in transaction mode that knows nothing of prepared statements changes connections under them: one that was
 * prepared is gone, or somebody else has prepared it. After the first sign of it, statements are sent without names:
 * slower, but they work.
 */
export class PreparedStatements {
  #areRefused = false;

  named(statement: Statement): PgQuery {
    const query = this.unnamed(statement);
    return this.#areRefused ? query : { name: serverName(statement.name), ...query };
  }

  unnamed({ text, values }: Statement): PgQuery {
    return { text, values: values.map(encodeParameter) };
  }

  /** Whether the error means that names don't work here. From then on, none is sent. */
  giveUpAfter(error: unknown): boolean {
    const isRefusal = error instanceof Error && 'code' in error && refusals.includes(String(error.code));
    if (isRefusal) this.#areRefused = true;
    return isRefusal;
  }
}

/** "Does not exist" and "exists already". */
const refusals = ['26000', '42P05'];

/** The server tells names apart by their first 63 bytes only. */
function serverName(name: string): string {
  if (Buffer.byteLength(name) <= 63) return name;
  return `perdure_${createHash('sha256').update(name).digest('hex').slice(0, 32)}`;
}
