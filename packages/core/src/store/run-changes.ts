import type { Database } from '../database/database.js';
import type { EpochMs } from '../seams/clock.js';
import type { OutcomeKind } from './records.js';
import { waitUntil } from './queue-items.js';
import { isInterrupted, traceOfNobodyWaiting } from './run-columns.js';
import { fromMs, now } from './sql.js';

/** A run that has ended, and what tells this end from any other one of the run. */
export interface EndedRun {
  readonly workflowId: string;
  readonly kind: OutcomeKind;
  /** Encoded result or error. */
  readonly payload: string | null;
  /** In microseconds, which is what the database counts in. */
  readonly finishedAtUs: number;
  readonly executorId: string | null;
  readonly claimNo: number | null;
  /** Whether it was shown that it was cancelled, or late: its history says so, and so would every replay. */
  readonly isInterrupted: boolean;
}

export interface Reopening extends Pick<EndedRun, 'workflowId' | 'finishedAtUs' | 'executorId' | 'claimNo'> {
  /** Whether it starts from the beginning, on any version, rather than go on where it was. */
  readonly isAfresh: boolean;
}

/** What is done to runs from outside, besides cancelling them. */
export interface RunChangeStore {
  findEnded(workflowIds: readonly string[]): Promise<EndedRun[]>;
  /** Takes the outcomes of runs back, so that they are executed again; in a queue they wait for their turn. */
  reopen(runs: readonly Reopening[], now: EpochMs | null): Promise<void>;
  /** Lets blocked runs be tried again by whoever has their versions. */
  unblock(workflowIds: readonly string[], now: EpochMs | null): Promise<void>;
  /** Gives runs that wait in queues another place in line. Answers with those that waited. */
  setPriority(workflowIds: readonly string[], priority: number): Promise<string[]>;
  /** Sets from when on runs stand in line: a moment, or so long after now. Answers with those that waited. */
  setDelay(params: {
    readonly workflowIds: readonly string[];
    readonly runAt: EpochMs | null;
    readonly delayMs: number;
    readonly now: EpochMs | null;
  }): Promise<string[]>;
  /** False if there is no such run. `set` is JSON. */
  setAttributes(workflowId: string, set: string, removed: readonly string[]): Promise<boolean>;
}

export function createRunChangeStore(
  database: Database,
  schema: string,
  statementName: (name: string) => string,
): RunChangeStore {
  const ids = (workflowIds: readonly string[]) => ({ arrayOf: 'text', values: workflowIds }) as const;
  const idsIn = (rows: readonly { workflow_id: string }[]): string[] => rows.map((row) => row.workflow_id);
  return {
    async findEnded(workflowIds) {
      const rows = await database.query<EndedRow>({
        name: statementName('run_changes_find_ended'),
        text: `
          select o.workflow_id, o.kind, o.payload, ${finishedUs}::float8 as finished_us,
            r.executor_id::text as executor_id, r.claim_no::float8 as claim_no,
            ${isInterrupted(schema, 'r')} as is_interrupted
          from ${schema}.outcomes o join ${schema}.runs r on r.workflow_id = o.workflow_id
          where o.workflow_id = any($1::text[])`,
        values: [ids(workflowIds)],
      });
      return rows.map((row) => ({
        workflowId: row.workflow_id,
        kind: row.kind,
        payload: row.payload,
        finishedAtUs: Number(row.finished_us),
        executorId: row.executor_id,
        claimNo: row.claim_no === null ? null : Number(row.claim_no),
        isInterrupted: row.is_interrupted,
      }));
    },

    async reopen(runs, at) {
      await database.query({
        name: statementName('run_changes_reopen'),
        text: reopenText(schema),
        values: [
          ids(runs.map((run) => run.workflowId)),
          { arrayOf: 'int8', values: runs.map((run) => run.finishedAtUs) },
          { arrayOf: 'uuid', values: runs.map((run) => run.executorId) },
          { arrayOf: 'int8', values: runs.map((run) => run.claimNo) },
          { arrayOf: 'bool', values: runs.map((run) => run.isAfresh) },
          at,
        ],
      });
    },

    async unblock(workflowIds, at) {
      await database.query({
        name: statementName('run_changes_unblock'),
        text: `
          with chosen as materialized (
            select r.workflow_id, r.queue from ${schema}.runs r
            where r.workflow_id = any($1::text[]) and r.state = 'blocked' order by r.workflow_id for update
          ), items as (
            update ${schema}.queue_items i set state = 'waiting' from chosen
            where i.workflow_id = chosen.workflow_id and i.state = 'blocked'
          )
          update ${schema}.runs r
          set state = case when chosen.queue is null then 'available' else 'queued' end,
            available_at = case when chosen.queue is null then ${now('$2::int8')} end
          from chosen where r.workflow_id = chosen.workflow_id`,
        values: [ids(workflowIds), at],
      });
    },

    async setPriority(workflowIds, priority) {
      const rows = await database.query<{ workflow_id: string }>({
        name: statementName('run_changes_set_priority'),
        text: `
          with ${waitingItems(schema)}, remembered as (
            update ${schema}.runs r
            set queueing = jsonb_build_object('key', chosen.key, 'units', chosen.units, 'timeoutMs', chosen.timeout_ms,
              'priority', $2::int4)
            from chosen where r.workflow_id = chosen.workflow_id
          )
          update ${schema}.queue_items i
          set priority = $2::int4, level = ${schema}.queue_level($2::int4, chosen.settings),
            rank = ${schema}.queue_rank($2::int4, i.enqueued_at, chosen.settings)
          from chosen where i.workflow_id = chosen.workflow_id returning i.workflow_id`,
        values: [ids(workflowIds), priority],
      });
      return idsIn(rows);
    },

    async setDelay({ workflowIds, runAt, delayMs, now: at }) {
      const rows = await database.query<{ workflow_id: string }>({
        name: statementName('run_changes_set_delay'),
        text: `
          with ${waitingItems(schema)}, clock as materialized (
            select moment.now, coalesce(${fromMs('$2::int8')}, moment.now + $3::int8 * interval '1 millisecond') as run_at
            from (select ${now('$4::int8')} as now) moment
          )
          update ${schema}.queue_items i
          set run_at = clock.run_at, state = case when clock.run_at > clock.now then 'delayed' else 'waiting' end,
            wait_until = ${waitUntil('clock.run_at', 'chosen.settings')}
          from chosen cross join clock where i.workflow_id = chosen.workflow_id returning i.workflow_id`,
        values: [ids(workflowIds), runAt, delayMs, at],
      });
      return idsIn(rows);
    },

    async setAttributes(workflowId, set, removed) {
      const rows = await database.query({
        name: statementName('run_changes_set_attributes'),
        text: `
          update ${schema}.runs r
          set attributes = nullif((coalesce(r.attributes, '{}') || $2::jsonb) - $3::text[], '{}')
          where r.workflow_id = $1::text returning r.workflow_id`,
        values: [workflowId, set, ids(removed)],
      });
      return rows.length > 0;
    },
  };
}

const finishedUs = '(extract(epoch from o.finished_at) * 1000000)::int8';

const waitingItems = (schema: string): string => `
  chosen as materialized (
    select i.workflow_id, i.key, i.units, i.timeout_ms, jsonb_strip_nulls(q.declared || q.changed) as settings
    from ${schema}.queue_items i join ${schema}.runs r on r.workflow_id = i.workflow_id
    join ${schema}.queues q on q.name = i.queue
    where i.workflow_id = any($1::text[]) and i.state in ('waiting', 'delayed')
    order by i.workflow_id for update of i, r
  )`;

/**
 * That it is this end of the run and no later one is told by its moment and by the claim that the run ended under: taken back
 * once, a run has no claim, or another one. An item that is a dead letter has its old place; one that is gone gets a new one.
 */
const reopenText = (schema: string): string => `
  with clock as materialized (
    select ${now('$6::int8')} as now
  ), given as materialized (
    select * from unnest($1::text[], $2::int8[], $3::uuid[], $4::int8[], $5::bool[])
      as item(workflow_id, finished_us, executor_id, claim_no, is_afresh)
  ), chosen as materialized (
    select r.workflow_id, r.name, r.queue, r.queueing, given.is_afresh,
      r.attempt = 0 as is_new, case when given.is_afresh or r.attempt = 0 then '' else r.version end as version
    from given join ${schema}.runs r on r.workflow_id = given.workflow_id
    join ${schema}.outcomes o on o.workflow_id = r.workflow_id
    where r.state in ('owned', 'settled') and o.kind <> 'completed'
      and r.executor_id is not distinct from given.executor_id and r.claim_no is not distinct from given.claim_no
      and ${finishedUs} = given.finished_us
    order by r.workflow_id for update of r
  ), reopened as (
    delete from ${schema}.outcomes o using chosen where o.workflow_id = chosen.workflow_id
  ), items as (
    insert into ${schema}.queue_items as i (
      workflow_id, name, version, queue, key, priority, units, timeout_ms, state, enqueued_at, run_at, wait_until, level, rank
    )
    select chosen.workflow_id, chosen.name, chosen.version, chosen.queue, wish.key, wish.priority, wish.units, wish.timeout_ms, 'waiting',
      clock.now, clock.now, ${waitUntil('clock.now', 'q.settings')},
      ${schema}.queue_level(wish.priority, q.settings), ${schema}.queue_rank(wish.priority, clock.now, q.settings)
    from chosen cross join clock
    cross join lateral (
      select coalesce(chosen.queueing ->> 'key', '') as key, coalesce((chosen.queueing ->> 'priority')::int4, 0) as priority,
        coalesce((chosen.queueing ->> 'units')::int4, 1) as units, (chosen.queueing ->> 'timeoutMs')::int8 as timeout_ms
    ) wish
    left join lateral (
      select jsonb_strip_nulls(q.declared || q.changed) as settings from ${schema}.queues q where q.name = chosen.queue
    ) q on true
    where chosen.queue is not null
    order by chosen.workflow_id
    on conflict (workflow_id) do update
    set state = 'waiting', executor_id = null, version = excluded.version, run_at = excluded.run_at, wait_until = excluded.wait_until,
      level = excluded.level, rank = excluded.rank
  )
  update ${schema}.runs r
  set state = case when chosen.queue is null then 'available' else 'queued' end,
    executor_id = null, claim_no = null, available_at = case when chosen.queue is null then clock.now end,
    wake_on = null, watched = null, crashes = 0, cancel_requested_at = null, deadline_at = null,
    trace = ${traceOfNobodyWaiting('r')},
    version = chosen.version,
    retries_due = case when chosen.is_afresh and not chosen.is_new then 1 + (
      select count(*) from ${schema}.checkpoints c where c.workflow_id = r.workflow_id and c.kind = 'retry'
    ) else r.retries_due end
  from chosen cross join clock where r.workflow_id = chosen.workflow_id`;

interface EndedRow extends Record<string, unknown> {
  workflow_id: string;
  kind: OutcomeKind;
  payload: string | null;
  finished_us: number;
  executor_id: string | null;
  claim_no: number | null;
  is_interrupted: boolean;
}
