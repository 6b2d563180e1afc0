import type pg from 'pg';
import type { Rest } from '../checker/evidence.js';

export interface Unfinished {
  readonly runs: number;
  readonly schedules: number;
  /** Executors that have given no sign of life for a second: dead ones, as long as nobody has revoked them. */
  readonly silent: number;
}

/** What has yet to come to its end. */
export async function unfinished(client: pg.Client, schema: string): Promise<Unfinished> {
  const { rows } = await client.query<Unfinished>(`
    select (
        select count(*)::int4 from ${schema}.runs r
        where not exists (select 1 from ${schema}.outcomes o where o.workflow_id = r.workflow_id)
      ) as runs,
      (select count(*)::int4 from ${schema}.schedules where next_slot_at is not null) as schedules,
      (select count(*)::int4 from ${schema}.leases where seen_at < clock_timestamp() - interval '1 second') as silent`);
  return rows[0]!;
}

/** What the processes left behind when all of them had gone; this connection does not count. */
export async function measureRest(client: pg.Client, schema: string): Promise<Rest> {
  const { rows } = await client.query<Rest>(`
    select
      (select count(*)::int4 from pg_stat_activity where application_name ~ '^w[0-9]+$') as "connections",
      (select count(*)::int4 from pg_stat_activity where state like 'idle in transaction%') as "open transactions",
      (select count(*)::int4 from pg_locks where locktype = 'advisory') as "advisory locks",
      (select count(*)::int4 from ${schema}.executors) as "executors",
      (select count(*)::int4 from ${schema}.leases) as "leases",
      (select count(*)::int4 from ${schema}.queue_items where state <> 'dead') as "items of queues"`);
  return rows[0]!;
}
