import { deadItem } from '../dead-letters.js';
import { wakeParentsParts } from '../parking.js';

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
export function claimQueued(schema: string): string {
  const waiting = `i.queue = v_queue.name and i.level = v_level and i.state = 'waiting'`;
  // By ranges, and in the order of the index: no other one will do then, whatever the statistics say of names and versions.
  const withKey = (key: string): string =>
    `(i.name, i.version, i.key) >= (p.name, p.version, ${key}) and (i.name, i.version, i.key) <= (p.name, p.version, ${key})`;
  const ofKey = `${waiting} and i.key >= v_key and i.key <= v_key`;
  const inOrder = `i.name, i.version, i.key, i.rank, i.place`;
  return `
create function ${schema}.claim_queued(
  p_executor uuid, p_claim_no bigint, p_names text[], p_versions text[], p_codes text[], p_timeouts_ms bigint[],
  p_queues text[],
  p_runs_max integer, p_suspects_max integer, p_timeout_payload text, p_now timestamptz
) returns table (run ${schema}.runs, more_at timestamptz) language plpgsql
-- The arrays would have each claim planned and compiled anew, at more than it takes to execute.
set plan_cache_mode = force_generic_plan set jit = off as $$
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
  v_names text[]; -- with v_versions: what of the level this executor has the code of
  v_versions text[];
  v_key text;
  v_last_key text;
  v_key_opens_at timestamptz;
  v_is_fruitful boolean; -- whether anything was taken since the keys began anew
  v_keys integer;
  v_item record;
  v_head text; -- the first item of a key, locked or not
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
      select i.workflow_id, r.parent_id, r.created_at from ${schema}.queue_items i
      join ${schema}.runs r on r.workflow_id = i.workflow_id
      where i.queue = v_queue.name and i.state = 'waiting' and i.wait_until <= v_now
      for update of i, r skip locked
    ), removed as (
      update ${schema}.queue_items i set ${deadItem} from late where i.workflow_id = late.workflow_id
    ), ended as (
      update ${schema}.runs r set state = 'settled' from late where r.workflow_id = late.workflow_id
    ), ${wakeParentsParts(schema, { settled: 'late', at: 'v_now' }).join(', ')}
    insert into ${schema}.outcomes (workflow_id, kind, payload, finished_at, created_at)
      select late.workflow_id, 'failed', p_timeout_payload, v_now, late.created_at from late on conflict do nothing;
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
      with recursive pairs as (
        (select i.name, i.version from ${schema}.queue_items i where ${waiting} order by i.name, i.version limit 1)
        union all
        select next.name, next.version from pairs cross join lateral (
          select i.name, i.version from ${schema}.queue_items i
          where ${waiting} and (i.name, i.version) > (pairs.name, pairs.version) order by i.name, i.version limit 1
        ) next
      )
      select coalesce(array_agg(pairs.name), '{}'), coalesce(array_agg(pairs.version), '{}') into v_names, v_versions
        from pairs where exists (
          select 1 from unnest(p_names, p_versions) as k(name, version) where k.name = pairs.name and (
            k.version = pairs.version or pairs.version = '' and coalesce(v_promoted ->> k.name = k.version, true)));
      if cardinality(v_names) = 0 then
        null;
      elsif (select max(i.key) from ${schema}.queue_items i where ${waiting}) = '' then
        -- Nothing has a key: simply in order.
        for v_item in
          select item.workflow_id, item.units, item.crashes
          from unnest(v_names, v_versions) as p(name, version) cross join lateral (
            select i.workflow_id, i.units, i.rank, i.place, r.crashes
            from ${schema}.queue_items i join ${schema}.runs r on r.workflow_id = i.workflow_id and r.version = i.version
            where ${waiting} and ${withKey(`''`)} and (r.crashes < 2 or v_suspects > 0)
            order by ${inOrder} limit v_room for no key update of i, r skip locked
          ) item
          order by item.rank, item.place limit v_room
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
          where i.workflow_id = any(v_taken) and i.state <> 'running';
        if v_rate is not null then
          insert into ${schema}.queue_admissions (queue, key, at, units)
            select v_queue.name, i.key, v_now, i.units from ${schema}.queue_items i
            where i.workflow_id = any(v_taken) and i.level = v_level and i.key = '';
        end if;
        -- Another claim has locked more of each version than it takes, and tells nobody of the rest.
        if v_room > 0 and not v_is_closed and cardinality(v_names) > 1 and exists (
          select 1 from unnest(v_names, v_versions) as p(name, version) cross join lateral (
            select 1 from ${schema}.queue_items i join ${schema}.runs r on r.workflow_id = i.workflow_id
            where ${waiting} and ${withKey(`''`)} and r.crashes < 2 order by ${inOrder} limit 1
          ) left_over
        ) then
          v_more_at := least(v_more_at, v_now + interval '50 milliseconds');
        end if;
      else
        -- Keys take turns, one item each; the turns go on where the last claim stopped.
        select q.last_key into v_key from ${schema}.queues q where q.name = v_queue.name for update;
        v_last_key := v_key;
        v_is_fruitful := true;
        v_keys := 0;
        while v_room > 0 and v_keys < 10000 loop
          -- Only keys that this executor can do something for.
          select min(next.key) into v_key from unnest(v_names, v_versions) as p(name, version) cross join lateral (
            select i.key from ${schema}.queue_items i
            where ${waiting} and (i.name, i.version, i.key) > (p.name, p.version, v_key)
              and (i.name, i.version) <= (p.name, p.version)
            order by ${inOrder} limit 1
          ) next;
          if v_key is null then
            if not v_is_fruitful then exit; end if;
            v_is_fruitful := false;
            select min(first.key) into v_key from unnest(v_names, v_versions) as p(name, version) cross join lateral (
              select i.key from ${schema}.queue_items i
              where ${waiting} and (i.name, i.version) >= (p.name, p.version) and (i.name, i.version) <= (p.name, p.version)
              order by ${inOrder} limit 1
            ) first;
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
          if (v_settings ->> 'keyConcurrency')::int8 = 1 then
            -- Where a key's items go one after the other, the head stands for all, also if another process must take it.
            select i.workflow_id, i.units, i.rank, i.place, r.crashes,
                (i.name, i.version) in (select * from unnest(v_names, v_versions)) as is_runnable
              into v_item from ${schema}.queue_items i join ${schema}.runs r on r.workflow_id = i.workflow_id
              where ${ofKey}
              order by i.key, i.rank, i.place limit 1 for no key update of i, r skip locked;
            -- It is not overtaken either because somebody has it locked for a moment.
            select i.workflow_id into v_head from ${schema}.queue_items i
              where ${ofKey} order by i.key, i.rank, i.place limit 1;
            if v_head is distinct from v_item.workflow_id then
              v_more_at := least(v_more_at, v_now + interval '50 milliseconds');
              continue;
            end if;
          else
            select item.*, true as is_runnable into v_item
              from unnest(v_names, v_versions) as p(name, version) cross join lateral (
                select i.workflow_id, i.units, i.rank, i.place, r.crashes
                from ${schema}.queue_items i join ${schema}.runs r on r.workflow_id = i.workflow_id and r.version = i.version
                where ${waiting} and ${withKey('v_key')}
                order by ${inOrder} limit 1 for no key update of i, r skip locked
              ) item
              order by item.rank, item.place limit 1;
          end if;
          if v_item.workflow_id is null or not v_item.is_runnable then continue; end if;
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
        -- The next claim looks at the keys behind those that were all there was time for.
        if v_keys >= 10000 then v_last_key := v_key; end if;
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
