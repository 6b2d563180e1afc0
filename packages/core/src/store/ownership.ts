import type { Database } from '../database/database.js';
import type { EpochMs } from '../seams/clock.js';
import type { ClaimedRun } from './records.js';
import { deadItem } from './dead-letters.js';
import { wakeParentsParts } from './parking.js';
import { now, readMs, readMsOrNull, toMs } from './sql.js';

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

export interface Release {
  /** The crashes without progress after which a run is put to `dead`. */
  readonly crashesMax: number;
  /** Encoded {@link RunDeadError} for those. */
  readonly deadPayload: string;
  /** How many to release at once; while there are as many, there may be more. */
  readonly runsMax: number;
  readonly now: EpochMs | null; // null = the database's clock
}

/** Who may work on which run: claims, releases and hand-overs. */
export interface OwnershipStore {
  /** Takes available runs, and from queues what their limits allow. An executor whose lease was revoked gets none. */
  claim(claim: Claim): Promise<Claimed>;
  /** What a claim took, asked again after its reply was lost. */
  claimed(params: { readonly executorId: string; readonly claimNo: number }): Promise<ClaimedRun[]>;
  /**
   * Makes runs of revoked executors available, and removes the executors when none is left. Those of a crashed one count a
   * crash each if they made no progress since the last; those of one that handed over don't. Answers with how many.
   */
  releaseRevoked(release: Release): Promise<number>;
  /** Takes the suspicion from a run that was executed for a while and no process died. */
  acquit(params: { readonly executorId: string; readonly claimNo: number; readonly workflowId: string }): Promise<void>;
  /** Sets a run aside until other code comes; only its owner may. */
  block(params: {
    readonly executorId: string;
    readonly claimNo: number;
    readonly workflowId: string;
    readonly code: string;
    readonly reason: string;
    readonly now: EpochMs | null;
  }): Promise<void>;
}

export function createOwnershipStore(
  database: Database,
  schema: string,
  statementName: (name: string) => string,
): OwnershipStore {
  return {
    async claim({ executorId, claimNo, runnables, runsMax, suspectsMax, queues, timeoutPayload, now: at }) {
      const rows = await database.query<ClaimedRow | MoreRow>({
        name: statementName('ownership_claim'),
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

    async claimed({ executorId, claimNo }) {
      const rows = await database.query<ClaimedRow>({
        name: statementName('ownership_claimed'),
        text: `
          select ${claimedColumns('r')} from ${schema}.runs r
          where r.executor_id = $1::uuid and r.claim_no = $2::int8 and r.state = 'owned'`,
        values: [executorId, claimNo],
      });
      return rows.map(toClaimedRun);
    },

    async releaseRevoked({ crashesMax, deadPayload, runsMax, now: at }) {
      const [row] = await database.query<{ released: number }>({
        name: statementName('ownership_release_revoked'),
        text: releaseText(schema),
        values: [crashesMax, deadPayload, at, runsMax],
      });
      return Number(row?.released ?? 0);
    },

    async acquit({ executorId, claimNo, workflowId }) {
      await database.query({
        name: statementName('ownership_acquit'),
        text: `
          update ${schema}.runs set crashes = 0
          where workflow_id = $3::text and executor_id = $1::uuid and claim_no = $2::int8`,
        values: [executorId, claimNo, workflowId],
      });
    },

    async block({ executorId, claimNo, workflowId, code, reason, now: at }) {
      await database.query({
        name: statementName('ownership_block'),
        text: `
          with fence as materialized (
            select id from ${schema}.executors where id = $1::uuid and revoked_at is null for key share
          ), queued as (
            update ${schema}.queue_items i set state = 'blocked', executor_id = null from fence
            where i.workflow_id = $3::text and i.executor_id = fence.id and i.state = 'running'
          )
          update ${schema}.runs r
          set state = 'blocked', executor_id = null, claim_no = null, blocked_at = ${now('$6::int8')},
            blocked_code = $4::text, blocked_reason = $5::text
          from fence
          where r.workflow_id = $3::text and r.executor_id = fence.id and r.claim_no = $2::int8 and r.state = 'owned'`,
        values: [executorId, claimNo, workflowId, code, reason, at],
      });
    },
  };
}

/** Where there may be more later. */
interface MoreRow extends Record<string, unknown> {
  workflow_id: null;
  more_ms: number;
}

interface ClaimedRow extends Record<string, unknown> {
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
}

const claimedColumns = (alias: string): string => `
  ${alias}.queue, ${alias}.workflow_id, ${alias}.name, ${alias}.version, ${alias}.input, ${alias}.parent_id, ${alias}.detached,
  ${alias}.claim_no::float8 as claim_no, ${alias}.seed, ${toMs(`${alias}.created_at`)} as created_ms,
  ${toMs(`${alias}.deadline_at`)} as deadline_ms, ${alias}.context, ${alias}.fingerprint, ${alias}.attempt, ${alias}.crashes,
  ${alias}.cancel_requested_at is not null as cancel_requested, ${alias}.unchecked,
  ${alias}.retries_due`;

function toClaimedRun(row: ClaimedRow): ClaimedRun {
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
  };
}

/** A run that was started by name alone becomes one of the version that this process defined last. */
const canRun = `r.name = runnable.name and (r.version = runnable.version or r.version = '' and runnable.is_latest)`;

/** After what time a claim looks again for what it passed over because somebody held it for a moment. */
const passedOverMs = 50;

/**
 * A run that is due and that a claim could not lock because somebody looks at it whom a claim must wait for: a sender, or a
 * child that ends. They hold it FOR KEY SHARE, and tell nobody of it where it was awake already. What another claim is taking
 * is held FOR UPDATE, and is not found here.
 */
const passedOver = (schema: string, condition: string): string => `
    select r.workflow_id from ${schema}.runs r join runnable on ${canRun}
    where (select count(*) from awake) < $6::int4 and r.workflow_id not in (select workflow_id from awake)
      and ${condition} and r.available_at <= ${now('$8::int8')}
    order by r.available_at limit 1
    for key share of r skip locked`;

/**
 * A blocked run is offered to an executor whose code for it differs, and to one that registered after it was blocked:
 * a deploy may have changed a helper that the fingerprint doesn't cover.
 */
const claimText = (schema: string): string => `
  with fence as materialized (
    select id, registered_at from ${schema}.executors where id = $1::uuid and revoked_at is null for key share
  ), runnable as materialized (
    select *, no = max(no) over (partition by name) as is_latest
    from unnest($3::text[], $4::text[], $5::text[], $11::int8[]) with ordinality as item(name, version, code, timeout_ms, no)
  ), due as (
    select r.workflow_id, r.available_at from ${schema}.runs r join runnable on ${canRun}
    where r.state = 'available' and r.available_at <= ${now('$8::int8')} and r.crashes < 2
    order by r.available_at limit $6::int4
    for update of r skip locked
  ), suspects as (
    select r.workflow_id from ${schema}.runs r join runnable on ${canRun}
    where r.state = 'available' and r.available_at <= ${now('$8::int8')} and r.crashes >= 2
    order by r.available_at limit $7::int4
    for update of r skip locked
  ), unblocked as (
    select r.workflow_id from ${schema}.runs r
    join runnable on r.name = runnable.name and r.version = runnable.version cross join fence
    where r.state = 'blocked' and r.queue is null and (r.blocked_code is distinct from runnable.code or r.blocked_at < fence.registered_at)
    order by r.blocked_at limit $6::int4
    for update of r skip locked
  ), woken as (
    select r.workflow_id, r.available_at from ${schema}.runs r join runnable on r.name = runnable.name and r.version = runnable.version
    where r.state = 'parked' and r.available_at <= ${now('$8::int8')}
    order by r.available_at limit $6::int4
    for update of r skip locked
  ), awake as (
    select workflow_id from (select * from due union all select * from woken) awake order by available_at limit $6::int4
  ), taken as (
    select workflow_id from awake union all select workflow_id from suspects union all select workflow_id from unblocked
  ), passed_over as (
    ${passedOver(schema, "r.state = 'available' and r.crashes < 2")}
  ), passed_over_parked as (
    ${passedOver(schema, "r.state = 'parked'")}
  ), direct as (
  update ${schema}.runs r
  set state = 'owned', executor_id = fence.id, claim_no = $2::int8, available_at = null, wake_on = null,
    attempt = r.attempt + case when r.wake_on is null then 1 else 0 end,
    version = runnable.version,
    deadline_at = case when r.version <> '' then r.deadline_at
      else least(r.deadline_at, ${now('$8::int8')} + runnable.timeout_ms * interval '1 millisecond') end
  from taken cross join fence cross join runnable
  where r.workflow_id = taken.workflow_id and ${canRun}
  returning ${claimedColumns('r')}
  )
  select direct.*, null::float8 as more_ms from direct
  union all
  select ${claimedColumns(`(null::${schema}.runs)`)}, ${toMs(`parked.next_at - ${now('$8::int8')}`)}
  from (
    select min(available_at) as next_at from ${schema}.runs
    where state = 'parked' and available_at > ${now('$8::int8')}
  ) parked where parked.next_at is not null
  union all
  select ${claimedColumns(`(null::${schema}.runs)`)}, ${passedOverMs} where exists (
    select 1 from passed_over union all select 1 from passed_over_parked
  )
  union all
  select ${claimedColumns('(claimed.run)')}, ${toMs(`claimed.more_at - ${now('$8::int8')}`)} as more_ms
  from ${schema}.claim_queued(
    $1::uuid, $2::int8, $3::text[], $4::text[], $5::text[], $11::int8[], $9::text[],
    $6::int4 - (select count(*) from taken)::int4, $7::int4 - (select count(*) from suspects)::int4, $10::text,
    case when $8::int8 is null then null else ${now('$8::int8')} end
  ) claimed`;

/**
 * The executors are revoked already, by an earlier statement: this one's snapshot therefore holds everything that they
 * wrote. A run has made progress if it or a descendant has more checkpoints than at the last crash: a parent that waits for
 * its child is not to blame. A suspect waits 1, 2, 4 … 300 s before the next try.
 */
const releaseText = (schema: string): string => `
  with clock as materialized (
    select ${now('$3::int8')} as now
  ), gone as materialized (
    select id, oldest_claim_no, not handed_over as crashed
    from ${schema}.executors where revoked_at is not null
    order by id for update skip locked
  ), left_over as materialized (
    select r.workflow_id, r.crashed, r.executor_id, progress.checkpoints,
      case when not r.crashed then r.crashes when progress.checkpoints > r.crash_mark then 1 else r.crashes + 1 end
        as crashes
    from (
      select r.workflow_id, r.crashes, r.crash_mark, gone.crashed, gone.id as executor_id
      from gone
      join ${schema}.runs r on r.executor_id = gone.id and r.claim_no >= gone.oldest_claim_no and r.state = 'owned'
      where not exists (select 1 from ${schema}.outcomes o where o.workflow_id = r.workflow_id)
      order by r.executor_id, r.claim_no limit $4::int4
    ) r
    cross join lateral (
      with recursive tree as (
        select r.workflow_id
        union all
        select child.workflow_id from tree join ${schema}.runs child on child.parent_id = tree.workflow_id
      )
      select count(*)::int4 as checkpoints from tree join ${schema}.checkpoints c on c.workflow_id = tree.workflow_id
    ) progress
  ), released as (
    update ${schema}.runs r
    set state = case
        when l.crashes > $1::int4 then 'settled' when r.queue is not null then 'queued' else 'available' end,
      executor_id = null, claim_no = null,
      available_at = clock.now + case
        when l.crashes < 2 then interval '0' else least(300, 2 ^ (l.crashes - 2)) * interval '1 second' end,
      crashes = l.crashes,
      crash_mark = case when l.crashed then l.checkpoints else r.crash_mark end,
      crash_log = case when l.crashed
        then coalesce(r.crash_log, '[]'::jsonb)
          || jsonb_build_object('at', clock.now, 'executorId', l.executor_id, 'attempt', r.attempt,
            'checkpoints', l.checkpoints)
        else r.crash_log end
    from left_over l cross join clock
    where r.workflow_id = l.workflow_id
    returning r.workflow_id, r.parent_id, r.state, r.queue, r.available_at
  ), dead_letters as (
    update ${schema}.queue_items i set ${deadItem} from released
    where released.state = 'settled' and released.queue is not null and i.workflow_id = released.workflow_id
  ), requeued as (
    update ${schema}.queue_items i
    set state = case when released.available_at > clock.now then 'delayed' else 'waiting' end,
      run_at = released.available_at, wait_until = null, executor_id = null
    from released cross join clock
    where released.state = 'queued' and i.workflow_id = released.workflow_id
  ), dead as (
    insert into ${schema}.outcomes (workflow_id, kind, payload, finished_at)
    select released.workflow_id, 'dead', $2::text, clock.now from released cross join clock
    where released.state = 'settled'
    on conflict do nothing
  ), ${wakeParentsParts(schema, {
    settled: `(select * from released where state = 'settled')`,
    at: now('$3::int8'),
  }).join(', ')}, removed as (
    delete from ${schema}.executors e using gone
    where e.id = gone.id and (select count(*) from left_over) < $4::int4
  )
  select count(*)::int4 as released from released`;
