import type { Migration } from './migration.js';

/** A token is the checkpoint of its making, which holds a hash of it. Only such checkpoints are in the index. */
export const tokens: Migration = {
  version: 6,
  name: 'tokens',
  sql: (schema) => `
create index checkpoints_tokens on ${schema}.checkpoints (payload) where kind = 'token';
`,
};
