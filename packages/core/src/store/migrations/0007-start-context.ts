import type { Migration } from './migration.js';

/** What a start brings besides its input: what its carriers took along, and what a second start is compared by. */
export const startContext: Migration = {
  version: 7,
  name: 'start-context',
  sql: (schema) => `
alter table ${schema}.runs add column context text, add column fingerprint text;
`,
};
