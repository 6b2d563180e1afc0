import type pg from 'pg';
import type { AuditEvent, Booking } from '../checker/evidence.js';

/**
 * Has the database itself write down what is done to the engine's tables, and by whom; the engine knows nothing of it. Also
 * makes the table that programs book in. It has no key, so that what comes twice shows.
 */
export async function installAudit(client: pg.Client, schema: string): Promise<void> {
  await client.query(auditSql(schema));
}

/** In the order of commits; within a transaction, executors come first, then runs. */
export async function readAudit(client: pg.Client): Promise<AuditEvent[]> {
  const { rows } = await client.query<{ at: number; transaction: string; writer: string; noun: string; fact: object }>(`
    select extract(epoch from pg_xact_commit_timestamp(xid))::float8 * 1000 as at, xid::text as transaction, writer,
      noun, fact
    from audit.events
    order by pg_xact_commit_timestamp(xid), xid::text::int8, noun <> 'executor', noun <> 'run', no`);
  return rows.map(({ fact, ...committed }) => ({ ...committed, ...fact }) as AuditEvent);
}

export async function readBookings(client: pg.Client): Promise<Booking[]> {
  const { rows } = await client.query<Booking>('select workflow_id as "workflowId", seq from public.booked');
  return rows;
}

const auditSql = (schema: string): string => `
  create table public.booked (workflow_id text not null, seq integer not null);

  create schema audit;
  create table audit.events (
    no bigint generated always as identity,
    xid xid not null default pg_current_xact_id()::xid,
    writer text not null default current_setting('application_name'),
    noun text not null,
    fact jsonb not null
  );

  ${noting(
    'run',
    schema,
    'runs',
    `'workflowId', it.workflow_id, 'name', it.name, 'state', it.state, 'executorId', it.executor_id,
      'claimNo', it.claim_no, 'attempt', it.attempt, 'crashes', it.crashes`,
    'state, executor_id, claim_no, attempt, crashes',
  )}
  ${noting(
    'checkpoint',
    schema,
    'checkpoints',
    `'workflowId', it.workflow_id, 'position', it.position, 'seq', it.seq, 'kind', it.kind, 'name', it.name,
      'attempt', it.attempt`,
  )}
  ${noting('outcome', schema, 'outcomes', `'workflowId', it.workflow_id, 'kind', it.kind`)}
  ${noting(
    'executor',
    schema,
    'executors',
    `'executorId', it.id, 'isRevoked', it.revoked_at is not null`,
    'revoked_at, handed_over',
  )}

  create function audit.note_item() returns trigger language plpgsql as $$
  declare it ${schema}.queue_items;
  begin
    it := coalesce(new, old);
    insert into audit.events (noun, fact) values ('item', jsonb_build_object(
      'workflowId', it.workflow_id, 'queue', it.queue, 'key', it.key,
      'order', jsonb_build_array(it.level, it.rank, it.place), 'was', old.state, 'is', new.state,
      'executorId', it.executor_id, 'deduplicationId', it.deduplication_id));
    return null;
  end $$;
  create trigger note_item after insert or update or delete on ${schema}.queue_items
    for each row execute function audit.note_item();

  create function audit.note_admission() returns trigger language plpgsql as $$ begin
    insert into audit.events (noun, fact) values ('admission', jsonb_build_object(
      'queue', new.queue, 'units', new.units, 'admittedAt', extract(epoch from new.at)::float8 * 1000));
    return null;
  end $$;
  create trigger note_admission after insert on ${schema}.queue_admissions
    for each row execute function audit.note_admission();`;

/** Notes what comes and goes in a table, and updates that change one of the columns, or any where none are given. */
function noting(noun: string, schema: string, table: string, facts: string, columns?: string): string {
  const of = (row: string): string =>
    columns === undefined ? `${row}.*` : `(${columns.replaceAll(/\w+/g, (column) => `${row}.${column}`)})`;
  return `
  create function audit.note_${noun}() returns trigger language plpgsql as $$
  declare it ${schema}.${table};
  begin
    it := coalesce(new, old);
    insert into audit.events (noun, fact) values ('${noun}', jsonb_build_object('change', lower(tg_op), ${facts}));
    return null;
  end $$;
  create trigger note_${noun} after insert or delete on ${schema}.${table}
    for each row execute function audit.note_${noun}();
  create trigger note_changed_${noun} after update on ${schema}.${table}
    for each row when (${of('old')} is distinct from ${of('new')}) execute function audit.note_${noun}();`;
}
