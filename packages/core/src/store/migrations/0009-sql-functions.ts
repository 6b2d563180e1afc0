import { sendText } from '../messages.js';
import { channelOf } from '../notifications.js';
import { enqueueParts, queuedRunColumns } from '../queue-items.js';
import { columnNames } from '../sql.js';
import type { Migration } from './migration.js';

/**
 * What a trigger, a migration script or a program in another language can do: enqueue and start workflows, and send
 * messages, all as part of its transaction. Values are JSON, which is what the codec stores plain values as.
 */
export const sqlFunctions: Migration = {
  version: 9,
  name: 'SQL functions',
  sql: (schema, schemaName) => `
create function ${schema}.hint(hint jsonb) returns void language sql as $$
  select pg_notify('${channelOf(schemaName)}', hint::text)
$$;

-- Answers with the workflow id; a second start with the same one and the same arguments is the same run.
create function ${schema}.start(workflow text, args jsonb default '[]', workflow_id text default gen_random_uuid())
returns text language plpgsql as $$
#variable_conflict use_column
declare
  v_seed text := gen_random_uuid();
begin
  perform ${schema}.check_start(start.workflow, start.args, start.workflow_id);
  insert into ${schema}.runs (
    workflow_id, name, version, input, unchecked, detached, seed, created_at, state, attempt, available_at
  ) values (
    start.workflow_id, start.workflow, '', start.args, true, false, v_seed, clock_timestamp(), 'available', 0, clock_timestamp()
  ) on conflict do nothing;
  perform ${schema}.check_same_run(start.workflow, start.args, start.workflow_id);
  perform ${schema}.hint('{"type":"work"}');
  return start.workflow_id;
end
$$;

create function ${schema}.enqueue(
  queue text, workflow text, args jsonb default '[]', workflow_id text default gen_random_uuid(),
  key text default '', priority integer default 0, units integer default 1, delay interval default '0'
) returns text language plpgsql as $$
#variable_conflict use_column
declare
  v_seed text := gen_random_uuid();
begin
  perform ${schema}.check_start(enqueue.workflow, enqueue.args, enqueue.workflow_id);
  if not exists (select 1 from ${schema}.queues q where q.name = enqueue.queue) then
    raise exception 'there is no queue "%"', enqueue.queue
      using hint = 'Declare it with queue(), and launch an engine with it.', errcode = 'undefined_object';
  end if;
  if enqueue.units < 1 or enqueue.key is null or enqueue.priority is null or enqueue.delay < interval '0' then
    raise exception 'units must be above 0, delay must not be negative, and key and priority must not be null'
      using errcode = 'invalid_parameter_value';
  end if;
  with ${enqueueParts(schema, { source: givenItem, at: 'null::int8', onConflict: 'on conflict do nothing' }).join(', ')}
  select coalesce(max(enqueued.seed), v_seed) into v_seed from enqueued;
  perform ${schema}.check_same_run(enqueue.workflow, enqueue.args, enqueue.workflow_id);
  perform ${schema}.hint('{"type":"work"}');
  return enqueue.workflow_id;
end
$$;

-- A message sent again under the same key is the same message.
create function ${schema}.send(
  workflow_id text, topic text, message jsonb, idempotency_key text default gen_random_uuid()
) returns void language plpgsql as $$
#variable_conflict use_column
declare
  v_verdict text;
begin
  ${sendText(schema, { source: givenMessage, at: 'clock_timestamp()' })} into v_verdict;
  if v_verdict = 'unknown' then
    raise exception 'there is no run "%"', send.workflow_id using errcode = 'no_data_found';
  elsif v_verdict = 'finished' then
    raise exception 'run "%" has ended', send.workflow_id using errcode = 'object_not_in_prerequisite_state';
  elsif v_verdict = 'woken' then
    perform ${schema}.hint('{"type":"work"}');
  end if;
  perform ${schema}.hint(jsonb_build_object('type', 'message', 'ids', jsonb_build_array(send.workflow_id)));
end
$$;

create function ${schema}.check_start(workflow text, args jsonb, workflow_id text) returns void language plpgsql as $$
begin
  if coalesce(check_start.workflow, '') = '' or coalesce(check_start.workflow_id, '') = '' then
    raise exception 'a workflow and a workflow id must have a name' using errcode = 'invalid_parameter_value';
  end if;
  if octet_length(check_start.workflow) > 255 or octet_length(check_start.workflow_id) > 255 then
    raise exception 'names and ids have 255 bytes at most' using errcode = 'invalid_parameter_value';
  end if;
  if check_start.args is null or jsonb_typeof(check_start.args) <> 'array' then
    raise exception 'args must be a JSON array: the arguments of workflow "%"', check_start.workflow
      using errcode = 'invalid_parameter_value';
  end if;
end
$$;

create function ${schema}.check_same_run(workflow text, args jsonb, workflow_id text) returns void language plpgsql as $$
#variable_conflict use_column
declare
  v_run record;
begin
  select r.name, r.input into v_run from ${schema}.runs r where r.workflow_id = check_same_run.workflow_id;
  if v_run.name = check_same_run.workflow and not starts_with(v_run.input, 'devalue:') then
    if v_run.input::jsonb = check_same_run.args then return; end if;
  end if;
  raise exception 'run "%" is there already, with another workflow or other arguments', check_same_run.workflow_id
    using errcode = 'unique_violation';
end
$$;
`,
};

const given: Readonly<Record<string, string>> = {
  workflow_id: 'enqueue.workflow_id',
  name: 'enqueue.workflow',
  version: `''::text`,
  input: 'enqueue.args::text',
  detached: 'false',
  seed: 'v_seed',
  created_at: `(date_part('epoch', clock_timestamp()) * 1000)::int8`,
  queue: 'enqueue.queue',
  key: 'enqueue.key',
  priority: 'enqueue.priority',
  units: 'enqueue.units',
  delay_ms: `(date_part('epoch', enqueue.delay) * 1000)::int8`,
};

const givenMessage =
  'from (values (send.workflow_id, send.topic, send.message::text, send.idempotency_key, null::text)) as item(workflow_id, topic, payload, idempotency_key, trace)';

const givenItem = `from (values (${queuedRunColumns
  .map(({ name, type }) => given[name] ?? `null::${type}`)
  .join(', ')})) as item(${columnNames(queuedRunColumns)})`;
