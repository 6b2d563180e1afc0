import type { Migration } from './migration.js';

/** An event is the checkpoint that set it. Only such checkpoints are in the index, so that others don't pay for it. */
export const events: Migration = {
  version: 5,
  name: 'events',
  sql: (schema) => `
create index checkpoints_events on ${schema}.checkpoints (workflow_id, name, position) where kind = 'event';
`,
};
