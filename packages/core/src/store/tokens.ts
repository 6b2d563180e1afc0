import type { Queryable } from '../database/database.js';

export interface TokenStore {
  /** The run that made the token with this payload; null if none did. */
  findRun(tx: Queryable, payload: string): Promise<string | null>;
}

export function createTokenStore(schema: string, statementName: (name: string) => string): TokenStore {
  return {
    // A try of the whole workflow that comes later makes the same token again.
    async findRun(tx, payload) {
      const [row] = await tx.query<{ workflow_id: string }>({
        name: statementName('tokens_find_run'),
        text: `select workflow_id from ${schema}.checkpoints where kind = 'token' and payload = $1::text limit 1`,
        values: [payload],
      });
      return row?.workflow_id ?? null;
    },
  };
}
