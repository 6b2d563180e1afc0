import { deadItem } from '../dead-letters.js';
import { wakeParentsParts } from '../parking.js';
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

/**
 * Takes runs from queues for an executor, as many as every limit allows.
 *
 * A queue whose limits are shared is locked by a statement of its own before anything is counted: each statement in the
 * function has its own snapshot, so that what is counted holds everything that the last holder of the lock committed.
 * Queues are visited, and so locked, in the order of their names. Items and runs are locked together, and what somebody
 * else changes is passed over, so that nothing is waited for with an item locked. Who sends to a waiting run hinders nobody:
 * only parked runs are woken by messages.
 *
 * Each row is a run, or, at the end, no run and the moment from which there may be more to take.
 */
function claimQueued(schema: string): string {
  const isRunnable = `exists (
              select 1 from unnest(p_names, p_versions) as k(name, version) where k.name = r.name and (
                r.version = k.version or r.version = '' and coalesce(v_promoted ->> r.name = k.version, true)))`;
  return `
create function ${schema}.claim_queued(
  p_executor uuid, p_claim_no bigint, p_names text[], p_versions text[], p_codes text[], p_timeouts_ms bigint[],
  p_queues text[],
  p_runs_max integer, p_suspects_max integer, p_timeout_payload text, p_now timestamptz
) returns table (run ${schema}.runs, more_at timestamptz) language plpgsql as $$
#variable_conflict use_column
declare
  v_registered_at timestamptz;
  v_promoted jsonb; -- by workflow: the version that alone takes what was started by name; read once, for all that follows
  v_now timestamptz;
  v_queue record;
  v_queues integer;
  v_settings jsonb;
  v_left integer := p_runs_max;
  v_share integer;
  v_suspects integer := p_suspects_max;
  v_room integer;
  v_budget bigint; -- units that the queue's rate still allows; null = no limit
  v_rate interval;
  v_key_rate interval;
  v_key_budget bigint;
  v_is_closed boolean; -- by the queue's rate
  v_level integer;
  v_key text;
  v_last_key text;
  v_key_opens_at timestamptz;
  v_is_fruitful boolean; -- whether anything was taken since the keys began anew
  v_keys integer;
  v_item record;
  v_taken text[];
  v_more_at timestamptz;
  v_late integer;
begin
  select e.registered_at into v_registered_at from ${schema}.executors e
    where e.id = p_executor and e.revoked_at is null for key share;
  if not found then return; end if;

  select coalesce(jsonb_object_agg(p.workflow, p.version), '{}') into v_promoted from (
    select distinct on (workflow) workflow, version from ${schema}.versions
    where promoted_at is not null order by workflow, promoted_at desc
  ) p;

  select count(*) into v_queues from ${schema}.queue_names_with_items(p_queues);
  for v_queue in select name from ${schema}.queue_names_with_items(p_queues) order by name loop
    select q.declared || q.changed into v_settings from ${schema}.queues q where q.name = v_queue.name;
    v_settings := jsonb_strip_nulls(v_settings);
    if v_settings ?| array['concurrency', 'rateUnits', 'keyConcurrency', 'keyRateUnits'] then
      select jsonb_strip_nulls(q.declared || q.changed) into v_settings from ${schema}.queues q
        where q.name = v_queue.name and q.paused_at is null for update;
      if not found then continue; end if;
    end if;
    v_now := coalesce(p_now, clock_timestamp());

    -- What is due, what waited too long, and what other code may continue.
    update ${schema}.queue_items i set state = 'waiting' where i.workflow_id in (
      select d.workflow_id from ${schema}.queue_items d
      where d.queue = v_queue.name and d.state = 'delayed' and d.run_at <= v_now
      for update skip locked
    );
    with late as materialized (
      select i.workflow_id, r.parent_id from ${schema}.queue_items i join ${schema}.runs r on r.workflow_id = i.workflow_id
      where i.queue = v_queue.name and i.state = 'waiting' and i.wait_until <= v_now
      for update of i, r skip locked
    ), removed as (
      update ${schema}.queue_items i set ${deadItem} from late where i.workflow_id = late.workflow_id
    ), ended as (
      update ${schema}.runs r set state = 'settled' from late where r.workflow_id = late.workflow_id
    ), ${wakeParentsParts(schema, { settled: 'late', at: 'v_now' }).join(', ')}
    insert into ${schema}.outcomes (workflow_id, kind, payload, finished_at)
      select late.workflow_id, 'failed', p_timeout_payload, v_now from late on conflict do nothing;
    get diagnostics v_late = row_count;
    if v_late > 0 then v_more_at := v_now; end if; -- parents that were parked
    if exists (select 1 from ${schema}.queue_items i where i.queue = v_queue.name and i.state = 'blocked') then
      with unblocked as materialized (
        select i.workflow_id from ${schema}.queue_items i join ${schema}.runs r on r.workflow_id = i.workflow_id
        join unnest(p_names, p_versions, p_codes) as k(name, version, code)
          on k.name = r.name and k.version = r.version
        where i.queue = v_queue.name and i.state = 'blocked' and r.state = 'blocked'
          and (r.blocked_code is distinct from k.code or r.blocked_at < v_registered_at)
        for update of i, r skip locked
      ), back as (
        update ${schema}.runs r set state = 'queued' from unblocked u where r.workflow_id = u.workflow_id
      )
      update ${schema}.queue_items i set state = 'waiting' from unblocked u where i.workflow_id = u.workflow_id;
    end if;

    -- How much may be taken.
    -- Items may have come to one more queue since they were counted.
    v_share := greatest(1, v_left / greatest(1, v_queues));
    v_queues := v_queues - 1;
    v_room := least(v_left, v_share);
    if v_settings ?| array['concurrency', 'workerConcurrency'] then
      select least(v_room, (v_settings ->> 'concurrency')::int8 - count(*),
          (v_settings ->> 'workerConcurrency')::int8 - count(*) filter (where i.executor_id = p_executor))
        into v_room from ${schema}.queue_items i where i.queue = v_queue.name and i.state = 'running';
    end if;
    v_rate := (v_settings ->> 'ratePeriodMs')::float8 * interval '1 millisecond';
    v_key_rate := (v_settings ->> 'keyRatePeriodMs')::float8 * interval '1 millisecond';
    v_budget := null;
    if v_rate is not null or v_key_rate is not null then
      delete from ${schema}.queue_admissions a
        where a.queue = v_queue.name and a.at <= v_now - greatest(v_rate, v_key_rate);
    end if;
    if v_rate is not null then
      select (v_settings ->> 'rateUnits')::int8 - coalesce(sum(a.units), 0) into v_budget
        from ${schema}.queue_admissions a where a.queue = v_queue.name and a.at > v_now - v_rate;
    end if;

    v_is_closed := false;
    v_taken := '{}';
    select min(i.level) into v_level from ${schema}.queue_items i where i.queue = v_queue.name and i.state = 'waiting';
    while v_level is not null and v_room > 0 and not v_is_closed loop
      if (select max(i.key) from ${schema}.queue_items i
          where i.queue = v_queue.name and i.level = v_level and i.state = 'waiting') = '' then
        -- Nothing has a key: simply in order.
        for v_item in
          select i.workflow_id, i.units, r.crashes
          from ${schema}.queue_items i join ${schema}.runs r on r.workflow_id = i.workflow_id
          where i.queue = v_queue.name and i.level = v_level and i.state = 'waiting'
            and (r.crashes < 2 or v_suspects > 0)
            and ${isRunnable}
          order by i.rank, i.place limit v_room for no key update of i, r skip locked
        loop
          -- More units than the limit has can only go when nothing else did.
          v_is_closed := coalesce(least(v_item.units, (v_settings ->> 'rateUnits')::int8) > v_budget, false);
          if v_is_closed then exit; end if;
          if v_item.crashes >= 2 then
            if v_suspects = 0 then continue; end if;
            v_suspects := v_suspects - 1;
          end if;
          v_budget := v_budget - v_item.units;
          v_room := v_room - 1;
          v_taken := v_taken || v_item.workflow_id;
        end loop;
        update ${schema}.queue_items i set state = 'running', executor_id = p_executor,
            deduplication_id = case when i.frees_when_taken then null else i.deduplication_id end
          where i.workflow_id = any(v_taken) and i.state = 'waiting';
        if v_rate is not null then
          insert into ${schema}.queue_admissions (queue, key, at, units)
            select v_queue.name, i.key, v_now, i.units from ${schema}.queue_items i
            where i.workflow_id = any(v_taken) and i.level = v_level and i.key = '';
        end if;
      else
        -- Keys take turns, one item each; the turns go on where the last claim stopped.
        select q.last_key into v_key from ${schema}.queues q where q.name = v_queue.name for update;
        v_last_key := v_key;
        v_is_fruitful := true;
        v_keys := 0;
        while v_room > 0 and v_keys < 10000 loop
          select i.key into v_key from ${schema}.queue_items i
            where i.queue = v_queue.name and i.level = v_level and i.state = 'waiting' and i.key > v_key
            order by i.key limit 1;
          if not found then
            if not v_is_fruitful then exit; end if;
            v_is_fruitful := false;
            select min(i.key) into v_key from ${schema}.queue_items i
              where i.queue = v_queue.name and i.level = v_level and i.state = 'waiting';
            if v_key is null then exit; end if;
          end if;
          v_keys := v_keys + 1;
          v_key_budget := null;
          if v_key <> '' then
            if (v_settings ->> 'keyConcurrency')::int8 <= (select count(*) from ${schema}.queue_items i
                where i.queue = v_queue.name and i.key = v_key and i.state = 'running') then continue; end if;
            if v_key_rate is not null then
              select (v_settings ->> 'keyRateUnits')::int8 - coalesce(sum(a.units), 0), min(a.at) + v_key_rate
                into v_key_budget, v_key_opens_at from ${schema}.queue_admissions a
                where a.queue = v_queue.name and a.key = v_key and a.at > v_now - v_key_rate;
            end if;
          end if;
          -- Where a key's items go one after the other, the head stands for all, also if another process must take it.
          select i.workflow_id, i.units, i.rank, i.place, r.crashes, ${isRunnable} as is_runnable
            into v_item from ${schema}.queue_items i join ${schema}.runs r on r.workflow_id = i.workflow_id
            where i.queue = v_queue.name and i.level = v_level and i.key = v_key and i.state = 'waiting'
              and ((v_settings ->> 'keyConcurrency')::int8 = 1 or ${isRunnable})
            order by i.rank, i.place limit 1 for no key update of i, r skip locked;
          -- It is not overtaken either because somebody has it locked for a moment.
          if found and (v_settings ->> 'keyConcurrency')::int8 = 1 and exists (
            select 1 from ${schema}.queue_items i
            where i.queue = v_queue.name and i.level = v_level and i.key = v_key and i.state = 'waiting'
              and (i.rank, i.place) < (v_item.rank, v_item.place)
          ) then
            v_more_at := least(v_more_at, v_now + interval '50 milliseconds');
            continue;
          end if;
          if not found or not v_item.is_runnable then continue; end if;
          if v_item.crashes >= 2 and v_suspects = 0 then continue; end if;
          v_is_closed := coalesce(least(v_item.units, (v_settings ->> 'rateUnits')::int8) > v_budget, false);
          if v_is_closed then exit; end if;
          if least(v_item.units, (v_settings ->> 'keyRateUnits')::int8) > v_key_budget then
            v_more_at := least(v_more_at, v_key_opens_at);
            continue;
          end if;
          if v_item.crashes >= 2 then v_suspects := v_suspects - 1; end if;
          v_budget := v_budget - v_item.units;
          v_room := v_room - 1;
          v_is_fruitful := true;
          v_last_key := v_key;
          v_taken := v_taken || v_item.workflow_id;
          update ${schema}.queue_items i set state = 'running', executor_id = p_executor,
              deduplication_id = case when i.frees_when_taken then null else i.deduplication_id end
            where i.workflow_id = v_item.workflow_id;
          if v_rate is not null or v_key_rate is not null then
            insert into ${schema}.queue_admissions (queue, key, at, units)
              values (v_queue.name, v_key, v_now, v_item.units);
          end if;
        end loop;
        update ${schema}.queues q set last_key = v_last_key
          where q.name = v_queue.name and q.last_key is distinct from v_last_key;
      end if;
      select min(i.level) into v_level from ${schema}.queue_items i
        where i.queue = v_queue.name and i.state = 'waiting' and i.level > v_level;
    end loop;

    v_left := v_left - cardinality(v_taken);
    return query
      update ${schema}.runs r
      set state = 'owned', executor_id = p_executor, claim_no = p_claim_no, attempt = r.attempt + 1,
        version = k.version,
        deadline_at = case when r.attempt > 0 and r.deadline_at is not null then r.deadline_at
          else least(r.deadline_at, v_now + interval '1 millisecond' * coalesce(
            i.timeout_ms, case when r.version = '' then k.timeout_ms end)) end
      from ${schema}.queue_items i, (
        select *, no = max(no) over (partition by name) as is_latest
        from unnest(p_names, p_versions, p_timeouts_ms) with ordinality as known(name, version, timeout_ms, no)
      ) k
      where r.workflow_id = any(v_taken) and i.workflow_id = r.workflow_id and k.name = r.name
        and (r.version = k.version or r.version = '' and coalesce(v_promoted ->> k.name = k.version, k.is_latest))
      returning r, null::timestamptz;

    -- When there may be more.
    if v_is_closed then
      select least(v_more_at, min(a.at) + v_rate) into v_more_at from ${schema}.queue_admissions a
        where a.queue = v_queue.name and a.at > v_now - v_rate;
    end if;
    if v_room <= 0 and cardinality(v_taken) >= v_share and v_left > 0 then v_more_at := v_now; end if;
    select least(v_more_at, min(i.run_at)) into v_more_at from ${schema}.queue_items i
      where i.queue = v_queue.name and i.state = 'delayed';
    select least(v_more_at, min(i.wait_until)) into v_more_at from ${schema}.queue_items i
      where i.queue = v_queue.name and i.state = 'waiting' and i.wait_until is not null;
  end loop;
  if v_more_at is not null then
    run := null;
    more_at := v_more_at;
    return next;
  end if;
end
$$;`;
}
