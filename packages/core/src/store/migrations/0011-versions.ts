import { waitingStates } from '../versions.js';
import type { Migration } from './migration.js';

/** Which versions of workflows there are, which of them takes new work, and who has the code of which. */
export const versions: Migration = {
  version: 11,
  name: 'versions',
  sql: (schema) => `
create table ${schema}.versions (
  workflow text not null,
  version text not null,
  first_seen_at timestamptz not null,
  -- Of a workflow's versions, the one that was promoted last takes what is started by name alone; without any, each does.
  promoted_at timestamptz,
  primary key (workflow, version)
);
create index versions_promoted on ${schema}.versions (workflow, promoted_at) where promoted_at is not null;

-- What each executor has the code of.
create table ${schema}.served (
  workflow text not null,
  version text not null,
  executor_id uuid not null references ${schema}.executors on delete cascade,
  primary key (workflow, version, executor_id)
);
create index served_executor on ${schema}.served (executor_id);

-- The runs that nobody owns, outside queues; none that was started directly and still executes is in it.
create index runs_waiting on ${schema}.runs (name, version, workflow_id) where ${waitingStates};

create function ${schema}.promoted_version(workflow text) returns text stable language sql as $$
  select v.version from ${schema}.versions v
  where v.workflow = promoted_version.workflow and v.promoted_at is not null order by v.promoted_at desc limit 1
$$;
`,
};
