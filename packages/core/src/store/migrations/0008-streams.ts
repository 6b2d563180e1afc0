import type { Migration } from './migration.js';

/** What runs have written to streams. Only a rollback deletes. */
export const streams: Migration = {
  version: 8,
  name: 'streams',
  sql: (schema) => `
create table ${schema}.streams (
  workflow_id text not null,
  name text not null,
  no integer not null,
  kind text not null, -- value, rollback, close
  seq integer not null, -- of the step that wrote it; -1 = the workflow itself
  call integer not null, -- that it was written with: the step's, or the workflow's own; -1 = none
  payload text,
  primary key (workflow_id, name, no)
);
`,
};
