import type { Database, Row } from '../database/database.js';
import type { QueueVitals, Vitals } from '../metrics/metrics.js';
import type { EpochMs } from '../seams/clock.js';
import { now, readMs, toMs } from './sql.js';

/** How the whole application is doing, for metrics. */
export interface VitalsStore {
  /**
   * Of those who collect metrics, the executor that has lived the longest is told; null for all others, which costs next to
   * nothing. So what is the same for all is counted once.
   *
   * @param params `anyhow`: it is told even if it isn't the one
   */
  read(params: {
    readonly executorId: string;
    readonly anyhow: boolean;
    readonly now: EpochMs | null;
  }): Promise<Vitals | null>;
}

/** However long a queue is, counting it must not become a burden. */
const countedMax = 100_000;

interface VitalsRow extends Row {
  readonly kind: 'queue' | 'blocked' | 'snapshot';
  readonly name: string;
  readonly waiting: number;
  readonly delayed: number;
  readonly age_ms: number | null;
}

export function createVitalsStore(
  database: Database,
  schema: string,
  statementName: (name: string) => string,
): VitalsStore {
  return {
    async read({ executorId, anyhow, now: at }) {
      const rows = await database.query<VitalsRow>({
        name: statementName('vitals_read'),
        text: readText(schema),
        values: [executorId, at, anyhow],
      });
      return rows.length === 0 ? null : toVitals(rows);
    },
  };
}

function toVitals(rows: readonly VitalsRow[]): Vitals {
  const queues = rows.filter(({ kind }) => kind === 'queue');
  const blocked = rows.filter(({ kind }) => kind === 'blocked');
  const snapshot = rows.find(({ kind }) => kind === 'snapshot');
  const ageMs = snapshot?.age_ms ?? null;
  return {
    queues: queues.flatMap(toQueueVitals),
    blocked: new Map(blocked.map(({ name, waiting }) => [name, waiting])),
    oldestSnapshotAgeMs: ageMs === null ? 0 : readMs(ageMs),
  };
}

function toQueueVitals({ name, waiting, delayed, age_ms: ageMs }: VitalsRow): QueueVitals[] {
  const age = ageMs === null ? 0 : Math.max(0, readMs(ageMs));
  return [
    { queue: name, state: 'waiting', depth: waiting, ageMs: age },
    { queue: name, state: 'delayed', depth: delayed, ageMs: null },
  ];
}

const readText = (schema: string): string => `
  with elected as materialized (
    select e.id from ${schema}.executors e join ${schema}.leases l on l.executor_id = e.id
    where e.collects_metrics and e.revoked_at is null and l.lease_until >= ${now('$2::int8')}
    order by e.registered_at, e.id limit 1
  ), asked as materialized (
    select $3::bool or coalesce((select id from elected) = $1::uuid, false) as is_asked
  )
  select 'queue' as kind, q.name, waiting.depth as waiting, delayed.depth as delayed,
    ${toMs(`${now('$2::int8')} - waiting.oldest_at`)} as age_ms
  from ${schema}.queues q
  cross join lateral (
    select count(*)::int4 as depth, min(run_at) as oldest_at from (
      select i.run_at from ${schema}.queue_items i where i.queue = q.name and i.state = 'waiting'
      order by i.level, i.rank, i.place limit ${countedMax}
    ) item
  ) waiting
  cross join lateral (
    select count(*)::int4 as depth from (
      select 1 from ${schema}.queue_items i where i.queue = q.name and i.state = 'delayed' limit ${countedMax}
    ) item
  ) delayed
  where (select is_asked from asked)
  union all
  select 'blocked', r.name, count(*)::int4, 0, null from ${schema}.runs r
  where (select is_asked from asked) and r.state = 'blocked' group by r.name
  union all
  select 'snapshot', '', 0, 0, (
    select ${toMs('clock_timestamp() - min(a.xact_start)')} from pg_stat_activity a
    where a.backend_xmin is not null and a.pid <> pg_backend_pid()
  )
  where (select is_asked from asked)`;
