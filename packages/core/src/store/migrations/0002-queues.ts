import { claimQueued } from './claim-queued.js';
import type { Migration } from './migration.js';

/**
 * Queues. An item exists from the enqueuing of a run to its outcome, and of a run that failed beyond that, as a dead letter. So
 * what waits or runs in a queue is what its items say, and completed work costs nothing.
 */
export const queues: Migration = {
  version: 2,
  name: 'queues',
  sql: (schema) => `
-- Settings are jsonb, in milliseconds where they are times; what was changed at run time overrules what code declares.
create table ${schema}.queues (
  name text primary key,
  declared jsonb not null,
  changed jsonb not null default '{}',
  paused_at timestamptz,
  -- Of the keys that take turns: the one that was served last.
  last_key text
);

create table ${schema}.queue_items (
  workflow_id text primary key,
  -- The run's, while it waits: claims look for what they have the code of.
  name text not null,
  version text not null,
  queue text not null,
  key text not null, -- '' = none
  -- Items are taken by level, rank and place, the lowest first.
  level integer not null,
  rank bigint not null,
  place bigint generated always as identity,
  priority integer not null,
  units integer not null,
  state text not null, -- delayed, waiting, running or blocked; dead once the run has failed, until it is put back or dropped
  enqueued_at timestamptz not null,
  run_at timestamptz not null,
  run_at_max timestamptz, -- how far later enqueuings may put it off
  wait_until timestamptz,
  timeout_ms bigint,
  executor_id uuid,
  deduplication_id text,
  -- Whether another may come once this one runs, rather than when it is done.
  frees_when_taken boolean not null default false
) with (fillfactor = 70);

create index queue_items_order on ${schema}.queue_items (queue, level, rank, place) where state = 'waiting';
-- By name and version: what no process has the code of is never read by a claim.
create index queue_items_runnable on ${schema}.queue_items (queue, level, name, version, key, rank, place) where state = 'waiting';
create index queue_items_turns on ${schema}.queue_items (queue, level, key, rank, place) where state = 'waiting';
create index queue_items_delayed on ${schema}.queue_items (queue, run_at) where state = 'delayed';
create index queue_items_running on ${schema}.queue_items (queue, key) where state = 'running';
create index queue_items_blocked on ${schema}.queue_items (queue) where state = 'blocked';
create index queue_items_dead on ${schema}.queue_items (queue, place) where state = 'dead';
create index queue_items_impatient on ${schema}.queue_items (queue, wait_until) where wait_until is not null and state = 'waiting';
create unique index queue_items_deduplication on ${schema}.queue_items (queue, deduplication_id)
  where deduplication_id is not null;

-- What a rate limit counts; rows older than its period are deleted by the next claim.
create table ${schema}.queue_admissions (
  queue text not null,
  key text not null,
  at timestamptz not null,
  units integer not null
);
create index queue_admissions_recent on ${schema}.queue_admissions (queue, key, at);

alter table ${schema}.runs add column queue text;
alter table ${schema}.runs add column queueing jsonb; -- how it waits there, once its item is gone; null = as by default
-- How often the workflow must have started afresh before it goes on: one time more than it has, once it was put back.
alter table ${schema}.runs add column retries_due integer not null default 0;

-- Where an item stands in line. With ageing, a priority is worth so many milliseconds of waiting, and all is one level.
create function ${schema}.queue_level(priority integer, settings jsonb) returns integer immutable language sql as $$
  select case when settings ->> 'ageingMs' is null then priority else 0 end
$$;
create function ${schema}.queue_rank(priority integer, enqueued_at timestamptz, settings jsonb) returns bigint
immutable language sql as $$
  select case when settings ->> 'ageingMs' is null then 0
    else (extract(epoch from enqueued_at) * 1000)::int8 + priority * (settings ->> 'ageingMs')::int8 end
$$;

-- The queues that something may be taken from: all that have items, or those of them that an executor serves.
create function ${schema}.queue_names_with_items(served text[]) returns table (name text) stable language sql as $$
  select q.name from ${schema}.queues q
  where q.paused_at is null and (served is null or q.name = any(served)) and (
    exists (select 1 from ${schema}.queue_items i where i.queue = q.name and i.state = 'waiting')
    or exists (select 1 from ${schema}.queue_items i where i.queue = q.name and i.state = 'delayed')
    or exists (select 1 from ${schema}.queue_items i where i.queue = q.name and i.state = 'blocked')
  )
$$;
${claimQueued(schema)}
`,
};
