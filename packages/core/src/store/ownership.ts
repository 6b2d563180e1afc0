import type { Database, Row } from '../database/database.js';
import type { EpochMs } from '../seams/clock.js';
import { deadItem } from './dead-letters.js';
import type { LostExecutor } from './executors.js';
import { wakeParentsParts } from './parking.js';
import { fromMs, now } from './sql.js';

/** Runs of one workflow that were freed for one reason. */
export interface Released {
  readonly workflow: string;
  /** Whether the process that had them crashed; else it handed them over. */
  readonly crashed: boolean;
  /** Whether they were put to `dead`. */
  readonly dead: boolean;
  readonly runs: number;
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

/** A run of which a process that died had something to tell, to whoever looks at traces. */
export interface UntoldRun {
  readonly workflowId: string;
  readonly name: string;
  readonly trace: string;
}

/** Who may work on which run no longer: releases and hand-overs. */
export interface OwnershipStore {
  /** Whether there are revoked executors whose runs may have to be freed. */
  hasRevoked(): Promise<boolean>;
  /**
   * Makes runs of revoked executors available, and removes the executors when none is left. Those of a crashed one count a
   * crash each if they made no progress since the last; those of one that handed over don't.
   */
  releaseRevoked(release: Release): Promise<Released[]>;
  /**
   * The runs that go on, and that executors which crashed had started for callers who waited for them: as far as these
   * executors had not taken them themselves, and not much longer ago than a caller waits.
   */
  findAwaited(params: { readonly executorIds: readonly string[]; readonly now: EpochMs | null }): Promise<UntoldRun[]>;
  /**
   * The runs that executors which crashed had started not long before their last sign of life, and that others have begun;
   * they may have ended.
   */
  findBegun(lost: readonly Pick<LostExecutor, 'executorId' | 'seenAt'>[]): Promise<UntoldRun[]>;
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
    async hasRevoked() {
      const rows = await database.query({
        name: statementName('ownership_has_revoked'),
        text: `select from ${schema}.executors where revoked_at is not null limit 1`,
        values: [],
      });
      return rows.length > 0;
    },

    async releaseRevoked({ crashesMax, deadPayload, runsMax, now: at }) {
      const rows = await database.query<Released & Row>({
        name: statementName('ownership_release_revoked'),
        text: releaseText(schema),
        values: [crashesMax, deadPayload, at, runsMax],
        withoutJit: true,
      });
      return rows;
    },

    async findAwaited({ executorIds, now: at }) {
      const rows = await database.query<UntoldRow>({
        name: statementName('ownership_find_awaited'),
        text: awaitedText(schema),
        values: [{ arrayOf: 'text', values: executorIds }, at],
      });
      return rows.map(toUntoldRun);
    },

    async findBegun(lost) {
      const rows = await database.query<UntoldRow>({
        name: statementName('ownership_find_begun'),
        text: `
          select r.workflow_id, r.name, r.trace
          from unnest($1::text[], $2::int8[]) as lost(id, seen_ms)
          join ${schema}.runs r on r.created_at >= ${fromMs('lost.seen_ms')} - ${startedBefore} and strpos(r.trace, lost.id) > 0
          where r.attempt > 0 and r.executor_id is distinct from lost.id::uuid
            and strpos(coalesce(r.crash_log::text, ''), lost.id) = 0`,
        values: [
          { arrayOf: 'text', values: lost.map(({ executorId }) => executorId) },
          { arrayOf: 'int8', values: lost.map(({ seenAt }) => seenAt) },
        ],
      });
      return rows.map(toUntoldRun);
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
            update ${schema}.queue_items i set state = 'blocked', executor_id = null, version = r.version, wait_until = null
            from fence cross join ${schema}.runs r
            where i.workflow_id = $3::text and r.workflow_id = i.workflow_id and i.executor_id = fence.id and i.state = 'running'
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

interface UntoldRow extends Record<string, unknown> {
  workflow_id: string;
  name: string;
  trace: string;
}

const toUntoldRun = (row: UntoldRow): UntoldRun => ({ workflowId: row.workflow_id, name: row.name, trace: row.trace });

/** How long ago a request may have begun that is still waited for. */
const awaitedSince = `interval '15 minutes'`;

const awaitedText = (schema: string): string => `
  with clock as materialized (
    select ${now('$2::int8')} as now
  ), unfinished as (
    select r.workflow_id, r.name, r.trace, r.crash_log from ${schema}.runs r
    where r.state in ('available', 'parked', 'queued', 'blocked') and r.created_at >= (select now from clock) - ${awaitedSince}
    union all
    select r.workflow_id, r.name, r.trace, r.crash_log from ${schema}.leases l
    join ${schema}.runs r on r.executor_id = l.executor_id and r.claim_no >= l.oldest_claim_no and r.state = 'owned'
    where r.created_at >= (select now from clock) - ${awaitedSince}
      and not exists (select 1 from ${schema}.outcomes o where o.workflow_id = r.workflow_id)
  )
  select r.workflow_id, r.name, r.trace from unnest($1::text[]) as lost(id)
  join unfinished r on strpos(r.trace, lost.id) > 0 and strpos(r.trace, '"pi":1') > 0
  where strpos(coalesce(r.crash_log::text, ''), lost.id) = 0`;

/** What a process started longer than that before its last sign of life, it has exported the traces of. */
const startedBefore = `interval '1 minute'`;

/**
 * The executors are revoked already, by an earlier statement: this one's snapshot therefore holds everything that they
 * wrote. A run has made progress if it or a descendant has more checkpoints than at the last crash: a parent that waits for
 * its child is not to blame. These are counted run by run, along the indexes: without fresh statistics, the planner would
 * rather read both tables for each of them. A suspect waits 1, 2, 4 … 300 s before the next try. Runs that wait for their
 * first process are told when the one that started them was last seen, for their traces: what it had not exported by then
 * is lost.
 */
const releaseText = (schema: string): string => `
  with clock as materialized (
    select ${now('$3::int8')} as now
  ), gone as materialized (
    select id, oldest_claim_no, seen_at, not handed_over as crashed
    from ${schema}.executors where revoked_at is not null
    order by id for update skip locked
  ), left_over as materialized (
    select r.workflow_id, r.crashed, r.executor_id, r.seen_at, progress.checkpoints,
      case when not r.crashed then r.crashes when progress.checkpoints > r.crash_mark then 1 else r.crashes + 1 end
        as crashes
    from (
      select r.workflow_id, r.crashes, r.crash_mark, gone.crashed, gone.id as executor_id, gone.seen_at
      from gone
      join ${schema}.runs r on r.executor_id = gone.id and r.claim_no >= gone.oldest_claim_no and r.state = 'owned'
      where not exists (select 1 from ${schema}.outcomes o where o.workflow_id = r.workflow_id)
      order by r.executor_id, r.claim_no limit $4::int4
    ) r
    cross join lateral (
      with recursive tree as (
        select r.workflow_id
        union all
        select child.workflow_id from tree
        cross join lateral (select workflow_id from ${schema}.runs where parent_id = tree.workflow_id offset 0) child
      )
      select sum(own.checkpoints)::int4 as checkpoints from tree
      cross join lateral (select count(*) as checkpoints from ${schema}.checkpoints where workflow_id = tree.workflow_id) own
    ) progress
  ), unbegun as materialized (
    select r.workflow_id, gone.seen_at from gone
    join ${schema}.runs r on r.created_at >= gone.seen_at - ${startedBefore} and strpos(r.trace, gone.id::text) > 0
    where gone.crashed and r.state in ('available', 'parked', 'queued', 'blocked')
    order by r.workflow_id for update of r skip locked
  ), starterless as (
    update ${schema}.runs r set starter_seen_at = unbegun.seen_at from unbegun where r.workflow_id = unbegun.workflow_id
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
          || jsonb_build_object('at', clock.now, 'seenAt', coalesce(l.seen_at, clock.now), 'executorId', l.executor_id, 'attempt', r.attempt,
            'checkpoints', l.checkpoints)
        else r.crash_log end
    from left_over l cross join clock
    where r.workflow_id = l.workflow_id
    returning r.workflow_id, r.parent_id, r.state, r.queue, r.available_at, r.name, r.version, r.created_at, l.crashed
  ), dead_letters as (
    update ${schema}.queue_items i set ${deadItem} from released
    where released.state = 'settled' and released.queue is not null and i.workflow_id = released.workflow_id
  ), requeued as (
    update ${schema}.queue_items i
    set state = case when released.available_at > clock.now then 'delayed' else 'waiting' end,
      version = released.version, run_at = released.available_at, wait_until = null, executor_id = null
    from released cross join clock
    where released.state = 'queued' and i.workflow_id = released.workflow_id
  ), dead as (
    insert into ${schema}.outcomes (workflow_id, kind, payload, finished_at, created_at)
    select released.workflow_id, 'dead', $2::text, clock.now, released.created_at from released cross join clock
    where released.state = 'settled'
    on conflict do nothing
  ), ${wakeParentsParts(schema, {
    settled: `(select * from released where state = 'settled')`,
    at: now('$3::int8'),
  }).join(', ')}, removed as (
    delete from ${schema}.executors e using gone
    where e.id = gone.id and (select count(*) from left_over) < $4::int4
  )
  select name as workflow, crashed, state = 'settled' as dead, count(*)::int4 as runs from released
  group by 1, 2, 3`;
