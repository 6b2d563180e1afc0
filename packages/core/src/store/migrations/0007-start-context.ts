import type { Migration } from './migration.js';

/**
 * What a start brings besides its input: what its carriers took along, what a second start is compared by, its trace, what the
 * run is found by, and of a fork the run that it is one of.
 */
export const startContext: Migration = {
  version: 7,
  name: 'start-context',
  sql: (schema) => `
alter table ${schema}.runs add column context text, add column fingerprint text, add column trace text;
-- The last sign of life of the process that started it, where that crashed soon after, and before anybody took the run.
alter table ${schema}.runs add column starter_seen_at timestamptz;
alter table ${schema}.runs add column attributes jsonb; -- null = none
-- The run whose history this one began with, and the call from which it goes on by itself.
alter table ${schema}.runs add column forked_from text, add column forked_at integer;

create index runs_attributes on ${schema}.runs using gin (attributes jsonb_path_ops) where attributes is not null;
create index runs_forks on ${schema}.runs (forked_from) where forked_from is not null;
`,
};
