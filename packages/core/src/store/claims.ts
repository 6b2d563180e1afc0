import type { Database } from '../database/database.js';
import type { EpochMs } from '../seams/clock.js';
import type { ClaimedRun, CrashRecord } from './records.js';
import { now, readMs, readMsOrNull, toMs } from './sql.js';
import { waitingPairs } from './versions.js';

/** A workflow that an executor can run: a claim takes only names and versions that it has. */
export interface Runnable {
  readonly name: string;
  readonly version: string;
  /** A fingerprint of the code; a run that blocked on one code is offered to another. */
  readonly code: string;
  /** For runs that were started without the workflow at hand; null = no limit. */
  readonly timeoutMs: number | null;
}

export interface Claim {
  readonly executorId: string;
  readonly claimNo: number;
  readonly runnables: readonly Runnable[];
  readonly runsMax: number;
  /** How many of them may be suspects: runs that a process died under more than once without progress. */
  readonly suspectsMax: number;
  /** The queues that are served; null = all. */
  readonly queues: readonly string[] | null;
  /** Encoded {@link QueueTimeoutError}, for items that waited too long. */
  readonly timeoutPayload: string;
  readonly now: EpochMs | null; // null = the database's clock
}

export interface Claimed {
  readonly runs: ClaimedRun[];
  /**
   * After what time there may be more to take: from a queue, because a parked run is to be woken, or because a run was held
   * by somebody else for a moment; null = nobody knows.
   */
  readonly moreInMs: number | null;
}

/** How an executor comes by runs. */
export interface ClaimStore {
  /** Takes available runs, and from queues what their limits allow. An executor whose lease was revoked gets none. */
  take(claim: Claim): Promise<Claimed>;
  /** What a claim took, asked again after its reply was lost. */
  read(params: { readonly executorId: string; readonly claimNo: number }): Promise<ClaimedRun[]>;
}

export function createClaimStore(
  database: Database,
  schema: string,
  statementName: (name: string) => string,
): ClaimStore {
  return {
    async take({ executorId, claimNo, runnables, runsMax, suspectsMax, queues, timeoutPayload, now: at }) {
      const rows = await database.query<ClaimedRow | MoreRow>({
        name: statementName('claims_take'),
        text: claimText(schema),
        values: [
          executorId,
          claimNo,
          { arrayOf: 'text', values: runnables.map((runnable) => runnable.name) },
          { arrayOf: 'text', values: runnables.map((runnable) => runnable.version) },
          { arrayOf: 'text', values: runnables.map((runnable) => runnable.code) },
          runsMax,
          suspectsMax,
          at,
          queues === null ? null : { arrayOf: 'text', values: queues },
          timeoutPayload,
          { arrayOf: 'int8', values: runnables.map((runnable) => runnable.timeoutMs) },
        ],
      });
      const more = rows.filter((row): row is MoreRow => row.workflow_id === null).map((row) => readMs(row.more_ms));
      return {
        runs: rows.filter((row): row is ClaimedRow => row.workflow_id !== null).map(toClaimedRun),
        moreInMs: more.length === 0 ? null : Math.max(0, Math.min(...more)),
      };
    },

    async read({ executorId, claimNo }) {
      const rows = await database.query<ClaimedRow>({
        name: statementName('claims_read'),
        text: `
          select ${claimedColumns('r')}, false as was_parked, false as is_new, null::float8 as waited_ms from ${schema}.runs r
          where r.executor_id = $1::uuid and r.claim_no = $2::int8 and r.state = 'owned'`,
        values: [executorId, claimNo],
      });
      return rows.map(toClaimedRun);
    },
  };
}

/** Where there may be more later. */
interface MoreRow extends Record<string, unknown> {
  workflow_id: null;
  more_ms: number;
}

export interface ClaimedRow extends Record<string, unknown> {
  workflow_id: string;
  name: string;
  version: string;
  input: string | null;
  parent_id: string | null;
  detached: boolean;
  claim_no: number;
  queue: string | null;
  seed: string;
  created_ms: number;
  deadline_ms: number | null;
  context: string | null;
  fingerprint: string | null;
  attempt: number;
  crashes: number;
  cancel_requested: boolean;
  unchecked: boolean;
  retries_due: number;
  trace: string | null;
  crash_log: readonly CrashRecord[] | null;
  starter_seen_ms: number | null;
  was_parked: boolean;
  is_new: boolean;
  waited_ms: number | null;
}

export const claimedColumns = (alias: string): string => `
  ${alias}.queue, ${alias}.workflow_id, ${alias}.name, ${alias}.version, ${alias}.input, ${alias}.parent_id, ${alias}.detached,
  ${alias}.claim_no::float8 as claim_no, ${alias}.seed, ${toMs(`${alias}.created_at`)} as created_ms,
  ${toMs(`${alias}.deadline_at`)} as deadline_ms, ${alias}.context, ${alias}.fingerprint, ${alias}.attempt, ${alias}.crashes,
  ${alias}.cancel_requested_at is not null as cancel_requested, ${alias}.unchecked,
  ${alias}.retries_due, ${alias}.trace, ${alias}.crash_log, ${toMs(`${alias}.starter_seen_at`)} as starter_seen_ms`;

/** Whether this claim is the first of a run, and it began with nothing. A claim counts an attempt unless the run was parked. */
const isNew = (alias: string): string => `(${alias}.attempt = 1 and ${alias}.forked_from is null)`;

export function toClaimedRun(row: ClaimedRow): ClaimedRun {
  return {
    workflowId: row.workflow_id,
    name: row.name,
    version: row.version,
    input: row.input,
    parentId: row.parent_id,
    detached: row.detached,
    claimNo: Number(row.claim_no),
    queue: row.queue,
    seed: row.seed,
    createdAt: readMs(row.created_ms),
    deadlineAt: readMsOrNull(row.deadline_ms),
    context: row.context,
    fingerprint: row.fingerprint,
    attempt: row.attempt,
    crashes: row.crashes,
    cancelRequested: row.cancel_requested,
    unchecked: row.unchecked,
    retriesDue: row.retries_due,
    wasParked: row.was_parked,
    isNew: row.is_new,
    waitedMs: readMsOrNull(row.waited_ms),
    trace: row.trace,
    crashLog: row.crash_log ?? [],
    starterSeenAt: readMsOrNull(row.starter_seen_ms),
  };
}

/** After what time a claim looks again for what it passed over because somebody held it for a moment. */
const passedOverMs = 50;

/**
 * A run that is due and that a claim could not lock because somebody looks at it whom a claim must wait for: a sender, or a
 * child that ends. They hold it FOR KEY SHARE, and tell nobody of it where it was awake already. What another claim is taking
 * is held FOR UPDATE, and is not found here.
 */
const passedOver = (schema: string, condition: string): string => `
    select r.workflow_id from takeable t cross join lateral (
      select r.workflow_id from ${schema}.runs r
      where (select count(*) from awake) < $6::int4 and r.workflow_id not in (select workflow_id from awake)
        and r.name = t.name and r.version = t.version
        and ${condition} and r.available_at <= (select now from clock)
      order by r.available_at limit 1 for key share of r skip locked
    ) r`;

/**
 * Takes what waits outside queues, then from queues. Runs are found by their names and versions, of which `pairs` has those
 * that any wait with: however many runs wait for code that this executor doesn't have, none of them is read.
 *
 * A run that was started by name alone becomes one of the version that takes new work: the promoted one, or without any the
 * one that this process defined last.
 *
 * The time is read once: an index can be searched by it then, and not by a function that answers anew for each row.
 *
 * A blocked run is offered to an executor whose code for it differs, and to one that registered after it was blocked:
 * a deploy may have changed a helper that the fingerprint doesn't cover.
 */
const claimText = (schema: string): string => `
  with recursive clock as materialized (
    select ${now('$8::int8')} as now
  ), fence as materialized (
    select id, registered_at from ${schema}.executors where id = $1::uuid and revoked_at is null for key share
  ), runnable as materialized (
    select *, no = max(no) over (partition by name) as is_latest
    from unnest($3::text[], $4::text[], $5::text[], $11::int8[]) with ordinality as item(name, version, code, timeout_ms, no)
  ), ${waitingPairs(schema)}, takeable as materialized (
    select pairs.name, pairs.version, runnable.version as as_version, runnable.code, runnable.timeout_ms
    from pairs
    left join lateral (select ${schema}.promoted_version(pairs.name) as version where pairs.version = '') promoted on true
    join runnable on runnable.name = pairs.name and (
      runnable.version = pairs.version
      or pairs.version = '' and coalesce(runnable.version = promoted.version, runnable.is_latest)
    )
  ), due as (
    select r.* from takeable t cross join lateral (
      select r.workflow_id, r.available_at, t.as_version, t.timeout_ms, r.wake_on is not null as was_parked
      from ${schema}.runs r
      where r.name = t.name and r.version = t.version
        and r.state = 'available' and r.available_at <= (select now from clock) and r.crashes < 2
      order by r.available_at limit $6::int4 for update of r skip locked
    ) r order by r.available_at limit $6::int4
  ), suspects as (
    select r.* from takeable t cross join lateral (
      select r.workflow_id, r.available_at, t.as_version, t.timeout_ms, r.wake_on is not null as was_parked
      from ${schema}.runs r
      where r.name = t.name and r.version = t.version
        and r.state = 'available' and r.available_at <= (select now from clock) and r.crashes >= 2
      order by r.available_at limit $7::int4 for update of r skip locked
    ) r order by r.available_at limit $7::int4
  ), unblocked as (
    select r.* from takeable t cross join fence cross join lateral (
      select r.workflow_id, r.blocked_at, t.as_version, t.timeout_ms, false as was_parked from ${schema}.runs r
      where r.name = t.name and r.version = t.version and r.state = 'blocked' and r.queue is null
        and (r.blocked_code is distinct from t.code or r.blocked_at < fence.registered_at)
      order by r.blocked_at limit $6::int4 for update of r skip locked
    ) r order by r.blocked_at limit $6::int4
  ), woken as (
    select r.* from takeable t cross join lateral (
      select r.workflow_id, r.available_at, t.as_version, t.timeout_ms, true as was_parked from ${schema}.runs r
      where r.name = t.name and r.version = t.version and r.state = 'parked' and r.available_at <= (select now from clock)
      order by r.available_at limit $6::int4 for update of r skip locked
    ) r order by r.available_at limit $6::int4
  ), awake as (
    select * from (select * from due union all select * from woken) awake order by available_at limit $6::int4
  ), taken as (
    select * from awake union all select * from suspects union all select * from unblocked
  ), passed_over as (
    ${passedOver(schema, "r.state = 'available' and r.crashes < 2")}
  ), passed_over_parked as (
    ${passedOver(schema, "r.state = 'parked'")}
  ), direct as (
  update ${schema}.runs r
  set state = 'owned', executor_id = fence.id, claim_no = $2::int8, available_at = null, wake_on = null,
    attempt = r.attempt + case when r.wake_on is null then 1 else 0 end,
    version = taken.as_version,
    deadline_at = case when r.version <> '' then r.deadline_at
      else least(r.deadline_at, (select now from clock) + taken.timeout_ms * interval '1 millisecond') end
  from taken cross join fence
  where r.workflow_id = taken.workflow_id
  returning ${claimedColumns('r')}, taken.was_parked, not taken.was_parked and ${isNew('r')} as is_new
  )
  select direct.*, null::float8 as waited_ms, null::float8 as more_ms from direct
  union all
  select ${claimedColumns(`(null::${schema}.runs)`)}, false, false, null, ${toMs(`parked.next_at - (select now from clock)`)}
  from (
    select min(next.available_at) as next_at from takeable t cross join lateral (
      select r.available_at from ${schema}.runs r
      where r.name = t.name and r.version = t.version and r.state = 'parked' and r.available_at > (select now from clock)
      order by r.available_at limit 1
    ) next
  ) parked where parked.next_at is not null
  union all
  select ${claimedColumns(`(null::${schema}.runs)`)}, false, false, null, ${passedOverMs} where exists (
    select 1 from passed_over union all select 1 from passed_over_parked
  )
  union all
  select ${claimedColumns('(claimed.run)')}, false, ${isNew('(claimed.run)')}, (
    select ${toMs('(select now from clock) - i.run_at')} from ${schema}.queue_items i
    where i.workflow_id = (claimed.run).workflow_id
  ), ${toMs('claimed.more_at - (select now from clock)')} as more_ms
  from ${schema}.claim_queued(
    $1::uuid, $2::int8, $3::text[], $4::text[], $5::text[], $11::int8[], $9::text[],
    $6::int4 - (select count(*) from taken)::int4, $7::int4 - (select count(*) from suspects)::int4, $10::text,
    case when $8::int8 is null then null else (select now from clock) end
  ) claimed`;
