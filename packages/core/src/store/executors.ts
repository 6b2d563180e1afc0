import type { Database } from '../database/database.js';
import type { EpochMs } from '../seams/clock.js';
import { now, readMs, readMsOrNull, toMs } from './sql.js';

export interface Registration {
  readonly executorId: string;
  readonly label: string;
  readonly collectsMetrics: boolean;
  readonly leaseMs: number;
  readonly sentUntil: EpochMs | null;
  readonly now: EpochMs | null; // null = the database's clock
}

/** An executor that has died, as far as can be told. */
export interface LostExecutor {
  readonly executorId: string;
  /** How long ago its lease ended. */
  readonly lapsedMs: number;
  /** The last sign of life. */
  readonly seenAt: EpochMs;
  /** By its own clock: of what it had started until then, it had sent the traces; null = it never said. */
  readonly sentUntil: EpochMs | null;
}

export interface Heartbeat {
  readonly executorId: string;
  readonly leaseMs: number;
  readonly oldestClaimNo: number;
  /** What {@link LostExecutor.sentUntil} is to be. */
  readonly sentUntil: EpochMs | null;
  readonly now: EpochMs | null; // null = the database's clock
}

/** One row for each engine process: its lease, and the fence that its writes pass. */
export interface ExecutorStore {
  /** Registers an executor with a fresh lease; answers with the database's time. Safe to send twice. */
  register(registration: Registration): Promise<EpochMs>;
  /** Renews the lease, also one that lapsed but that nobody revoked. Null: it was revoked. */
  heartbeat(heartbeat: Heartbeat): Promise<EpochMs | null>;
  /** Revokes the leases that lapsed, after waiting for their writes in flight. */
  revokeLapsed(params: { readonly exceptId: string; readonly now: EpochMs | null }): Promise<LostExecutor[]>;
  /** Revokes an executor's own lease: it stops, and what it leaves behind counts as handed over, not as crashed. */
  revoke(params: { readonly executorId: string; readonly now: EpochMs | null }): Promise<void>;
}

export function createExecutorStore(
  database: Database,
  schema: string,
  statementName: (name: string) => string,
): ExecutorStore {
  return {
    async register({ executorId, label, collectsMetrics, leaseMs, sentUntil, now: at }) {
      const [row] = await database.query<{ now_ms: number }>({
        name: statementName('executors_register'),
        lane: 'control',
        text: `
          with clock as (select ${now('$4::int8')} as now), registered as (
            insert into ${schema}.executors (id, label, registered_at, collects_metrics)
            select $1::uuid, $2::text, clock.now, $5::bool from clock
            on conflict (id) do nothing
          )
          insert into ${schema}.leases (executor_id, lease_until, seen_at, sent_until_ms)
          select $1::uuid, clock.now + $3::float8 * interval '1 millisecond', clock.now, $6::int8 from clock
          on conflict (executor_id) do update
          set lease_until = excluded.lease_until, seen_at = excluded.seen_at, sent_until_ms = excluded.sent_until_ms
          returning (select ${toMs('clock.now')} from clock) as now_ms`,
        values: [executorId, label, leaseMs, at, collectsMetrics, sentUntil],
      });
      return readMs(row?.now_ms);
    },

    async heartbeat({ executorId, leaseMs, oldestClaimNo, sentUntil, now: at }) {
      const [row] = await database.query<{ now_ms: number }>({
        name: statementName('executors_heartbeat'),
        lane: 'control',
        text: `
          with clock as (select ${now('$4::int8')} as now)
          update ${schema}.leases
          set lease_until = clock.now + $3::float8 * interval '1 millisecond', oldest_claim_no = $2::int8,
            seen_at = clock.now, sent_until_ms = $5::int8
          from clock
          where executor_id = $1::uuid
          returning ${toMs('clock.now')} as now_ms`,
        values: [executorId, oldestClaimNo, leaseMs, at, sentUntil],
      });
      return row === undefined ? null : readMs(row.now_ms);
    },

    async revokeLapsed({ exceptId, now: at }) {
      const rows = await database.query<{ id: string; lapsed_ms: number; seen_ms: number; sent_ms: number | null }>({
        name: statementName('executors_revoke_lapsed'),
        text: `
          with lapsed as (
            select executor_id from ${schema}.leases
            where lease_until < ${now('$2::int8')} and executor_id <> $1::uuid
            order by executor_id for update
          ), ${revokeText(schema, 'lapsed')}
          update ${schema}.executors e
          set revoked_at = ${now('$2::int8')}, oldest_claim_no = ended.oldest_claim_no, seen_at = ended.seen_at
          from fenced join ended on ended.executor_id = fenced.id where e.id = fenced.id
          returning e.id::text, ${toMs(`${now('$2::int8')} - ended.lease_until`)} as lapsed_ms,
            ${toMs('ended.seen_at')} as seen_ms, ended.sent_until_ms::float8 as sent_ms`,
        values: [exceptId, at],
      });
      return rows.map((row) => ({
        executorId: row.id,
        lapsedMs: readMs(row.lapsed_ms),
        seenAt: readMs(row.seen_ms),
        sentUntil: readMsOrNull(row.sent_ms),
      }));
    },

    async revoke({ executorId, now: at }) {
      await database.query({
        name: statementName('executors_revoke'),
        text: `
          with own as (select executor_id from ${schema}.leases where executor_id = $1::uuid for update),
          ${revokeText(schema, 'own')}
          update ${schema}.executors e
          set revoked_at = ${now('$2::int8')}, oldest_claim_no = ended.oldest_claim_no, seen_at = ended.seen_at,
            handed_over = true
          from fenced join ended on ended.executor_id = fenced.id where e.id = fenced.id`,
        values: [executorId, at],
      });
    },
  };
}

/**
 * Ends the leases in `source` and locks their executors' rows, which waits for their writes in flight. The lease goes
 * first: a heartbeat that waits for it then finds none.
 */
const revokeText = (schema: string, source: string): string => `
  ended as (
    delete from ${schema}.leases l using ${source} where l.executor_id = ${source}.executor_id
    returning l.executor_id, l.oldest_claim_no, l.lease_until, l.seen_at, l.sent_until_ms
  ), fenced as (
    select id from ${schema}.executors
    where id in (select executor_id from ended) and revoked_at is null
    order by id for update
  )`;
