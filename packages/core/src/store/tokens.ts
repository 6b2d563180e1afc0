import type { Queryable } from '../database/database.js';

export interface TokenStore {
  /**
   * The run that made the token with this payload; null if none did. A fork has the tokens of its source: of those that have
   * made it, the newest one that has not ended.
   */
  findRun(tx: Queryable, payload: string): Promise<string | null>;
}

export function createTokenStore(schema: string, statementName: (name: string) => string): TokenStore {
  return {
    // A try of the whole workflow that comes later makes the same token again.
    async findRun(tx, payload) {
      const [row] = await tx.query<{ workflow_id: string }>({
        name: statementName('tokens_find_run'),
        text: `
          select c.workflow_id from ${schema}.checkpoints c join ${schema}.runs r on r.workflow_id = c.workflow_id
          where c.kind = 'token' and c.payload = $1::text
          order by exists (select 1 from ${schema}.outcomes o where o.workflow_id = c.workflow_id), r.created_at desc limit 1`,
        values: [payload],
      });
      return row?.workflow_id ?? null;
    },
  };
}
