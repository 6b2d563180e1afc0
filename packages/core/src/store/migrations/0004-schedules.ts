import type { Migration } from './migration.js';

/** Schedules: one row each, which says when it fires next and moves on in the commit that holds the run. */
export const schedules: Migration = {
  version: 4,
  name: 'schedules',
  sql: (schema) => `
create table ${schema}.schedules (
  name text primary key,
  origin text not null, -- code or runtime
  workflow text not null,
  settings jsonb not null, -- times in milliseconds
  input text,
  paused_at timestamptz,
  next_slot_at timestamptz, -- null = it has come to its end
  next_fire_at timestamptz, -- the slot and its jitter
  last_slot_at timestamptz,
  last_workflow_id text,
  fired integer not null default 0,
  missed integer not null default 0,
  skipped integer not null default 0
);

create index schedules_next on ${schema}.schedules (next_fire_at) where next_fire_at is not null and paused_at is null;
`,
};
