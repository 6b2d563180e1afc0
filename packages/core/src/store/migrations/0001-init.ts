import type { Migration } from './migration.js';

/**
 * The first tables.
 *
 * `runs` is written once by a start and then only touched when ownership moves; `checkpoints` and `outcomes` are
 * append-only. A workflow that no process dies under leaves no dead tuple, and finished runs cost the hot path nothing
 * (docs/adr/0002). None of the partial indexes contains a run that was started directly and that completed.
 */
export const init: Migration = {
  version: 1,
  name: 'init',
  sql: (schema) => `
-- The fence: written when an executor registers and when it is revoked, and at no other time (docs/adr/0003).
create table ${schema}.executors (
  id uuid primary key,
  label text not null,
  registered_at timestamptz not null,
  revoked_at timestamptz,
  handed_over boolean not null default false,
  -- Whether somebody there collects metrics: one of those tells about all of the application.
  collects_metrics boolean not null default false,
  -- The last heartbeat's: no unfinished run of this executor has a lower claim number. Recovery looks no further back.
  oldest_claim_no bigint not null default 0,
  seen_at timestamptz -- the last heartbeat, once it is revoked
);

-- What heartbeats write. Revoking deletes it.
create table ${schema}.leases (
  executor_id uuid primary key,
  lease_until timestamptz not null,
  oldest_claim_no bigint not null default 0,
  seen_at timestamptz not null,
  -- By the clock of the executor: of what it had started until then, it had sent the traces; null = it does not say.
  sent_until_ms bigint
) with (fillfactor = 50);

create table ${schema}.runs (
  workflow_id text primary key,
  name text not null,
  version text not null, -- '' = that of the first process to take it
  input text,
  unchecked boolean not null default false, -- whether who started it had no schema for the input
  parent_id text,
  detached boolean not null,
  seed text not null,
  created_at timestamptz not null,
  deadline_at timestamptz,
  state text not null,
  -- The claim token: the executor's random id and the number that it gave to this claim, new at each claim.
  executor_id uuid,
  claim_no bigint,
  attempt integer not null,
  available_at timestamptz,
  crashes integer not null default 0,
  crash_mark integer not null default 0,
  crash_log jsonb,
  cancel_requested_at timestamptz,
  blocked_at timestamptz,
  blocked_code text,
  blocked_reason text
) with (fillfactor = 85);

create index runs_claims on ${schema}.runs (executor_id, claim_no);
-- By name and version: what no process has the code of is never read by a claim.
create index runs_available on ${schema}.runs (name, version, available_at) where state = 'available' and crashes < 2;
create index runs_suspects on ${schema}.runs (name, version, available_at) where state = 'available' and crashes >= 2;
create index runs_blocked on ${schema}.runs (name, version, blocked_at) where state = 'blocked';
create index runs_parent on ${schema}.runs (parent_id) where parent_id is not null;
-- For lists, and for what deletes the oldest ones.
create index runs_created on ${schema}.runs (created_at, workflow_id);
create index runs_unfinished on ${schema}.runs (created_at, workflow_id)
  where state in ('available', 'parked', 'queued', 'blocked');
create index runs_cancel on ${schema}.runs (executor_id) where cancel_requested_at is not null;

create table ${schema}.checkpoints (
  workflow_id text not null,
  position integer not null,
  seq integer not null,
  kind text not null,
  name text not null,
  payload text,
  failed boolean not null,
  started_at timestamptz not null,
  finished_at timestamptz not null,
  attempt integer not null,
  primary key (workflow_id, position)
);

-- Results that were committed together with a transactional step's own data, until the history has them too.
create table ${schema}.transactions (
  workflow_id text not null,
  retries integer not null,
  seq integer not null,
  name text not null,
  payload text,
  started_at timestamptz not null,
  finished_at timestamptz not null,
  attempt integer not null,
  primary key (workflow_id, retries, seq)
);

create table ${schema}.outcomes (
  workflow_id text primary key,
  kind text not null,
  payload text,
  finished_at timestamptz not null,
  created_at timestamptz -- of the run, where it did not complete: lists of these are in the order of it
);

create index outcomes_unsuccessful on ${schema}.outcomes (kind, created_at, workflow_id) where kind <> 'completed';
`,
};
