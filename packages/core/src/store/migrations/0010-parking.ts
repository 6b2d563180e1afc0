import { isPublished } from '../parking.js';
import type { Migration } from './migration.js';

/**
 * Runs that wait for long, in nobody's memory: `parked`, with what wakes them in `wake_on` ('topic:…' for a message, 'run:…'
 * for the outcome of a child, 'event:…' for an event of another run) and `available_at`; `watched` has the ids of those others.
 * Woken, they are `available` and keep an empty `wake_on` until they are claimed.
 */
export const parking: Migration = {
  version: 10,
  name: 'parking',
  sql: (schema) => `
alter table ${schema}.runs add column wake_on text[]; -- null = not parked since it was last claimed
alter table ${schema}.runs add column watched text[]; -- null = waits for no other run's event, as far as it is parked
create index runs_parked on ${schema}.runs (name, version, available_at) where state = 'parked' and available_at is not null;
create index runs_watching on ${schema}.runs (workflow_id) where state = 'parked' and watched is not null;
create index runs_watched on ${schema}.runs using gin (watched) with (fastupdate = off)
  where state = 'parked' and watched is not null;

-- Parks what an executor owns, unless something that it waits for has come. Whoever brings that locks the run's row before
-- it looks whether the run is parked; here the rows are locked first, and a statement with a later snapshot looks then.
create function ${schema}.park(
  p_executor uuid, p_ids text[], p_claim_nos bigint[], p_wake_at_ms bigint[], p_retries integer[], p_wake_on text[]
) returns table (workflow_id text, verdict text) language plpgsql as $$
#variable_conflict use_column
begin
  perform 1 from ${schema}.executors e where e.id = p_executor and e.revoked_at is null for key share;
  if not found then return; end if;
  perform 1 from ${schema}.runs r where r.workflow_id = any(p_ids) order by r.workflow_id for update;
  return query
    with given as materialized (
      select g.workflow_id, g.claim_no, to_timestamp(g.wake_at_ms::float8 / 1000) as wake_at, g.retries,
        array(select jsonb_array_elements_text(g.wake_on::jsonb)) as wake_on
      from unnest(p_ids, p_claim_nos, p_wake_at_ms, p_retries, p_wake_on)
        as g(workflow_id, claim_no, wake_at_ms, retries, wake_on)
    ), mine as materialized (
      select g.*, r.cancel_requested_at is null
        and not exists (
          select 1 from unnest(g.wake_on) as event(name) join ${schema}.outcomes o on o.workflow_id = substr(event.name, 5)
          where starts_with(event.name, 'run:')
        )
        and not exists (
          select 1 from unnest(g.wake_on) as event(name)
          join ${schema}.messages m on m.workflow_id = g.workflow_id and m.topic = substr(event.name, 7)
          where starts_with(event.name, 'topic:') and coalesce(m.consumed_in, -1) < g.retries
        )
        and not ${isPublished(schema, 'g.wake_on')} as may_park
      from given g join ${schema}.runs r on r.workflow_id = g.workflow_id
      where r.executor_id = p_executor and r.claim_no = g.claim_no and r.state = 'owned'
    ), parked as (
      update ${schema}.runs r
      set state = 'parked', executor_id = null, claim_no = null, available_at = m.wake_at, wake_on = m.wake_on,
        watched = nullif(array(
          select distinct split_part(substr(name, 7), e'\\n', 1)
          from unnest(m.wake_on) as name where starts_with(name, 'event:')
        ), '{}')
      from mine m where r.workflow_id = m.workflow_id and m.may_park
    )
    select m.workflow_id, case when m.may_park then 'parked' else 'kept' end from mine m;
end
$$;
`,
};
