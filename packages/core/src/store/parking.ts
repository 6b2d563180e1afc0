import type { Database } from '../database/database.js';
import type { EpochMs } from '../seams/clock.js';
import { now } from './sql.js';

/** A run that is to leave memory. */
export interface Parking {
  readonly workflowId: string;
  readonly claimNo: number;
  readonly wakeAt: EpochMs | null; // null = only what it waits for wakes it
  /** How often the whole workflow was retried. */
  readonly retries: number;
  /** {@link topicName}, {@link runName} and {@link eventName} of what wakes it. */
  readonly wakeOn: readonly string[];
}

/** `kept`: something that it waits for has come, and it stays with its executor. */
export type ParkVerdict = 'parked' | 'kept';

export interface ParkingStore {
  /** Sets runs aside until what they wait for comes, if it hasn't yet. Those that the executor no longer owns have no verdict. */
  park(executorId: string, runs: readonly Parking[]): Promise<ReadonlyMap<string, ParkVerdict>>;
  /** Wakes parked runs whose event is set, or never will be. */
  wakeWatching(watched: readonly string[] | 'all', now: EpochMs | null): Promise<Watched>;
}

export const topicName = (topic: string): string => `topic:${topic}`;
export const runName = (workflowId: string): string => `run:${workflowId}`;
/** Neither an id nor a key has a line break. No event has an empty key, so that without one only the outcome counts. */
export const eventName = (workflowId: string, key: string | null): string => `event:${workflowId}\n${key ?? ''}`;

/** What was found of parked runs that wait for events of others. */
export interface Watched {
  readonly hasWoken: boolean;
  /** The runs that others still wait for. */
  readonly workflowIds: readonly string[];
}

export function createParkingStore(
  database: Database,
  schema: string,
  statementName: (name: string) => string,
): ParkingStore {
  return {
    async park(executorId, runs) {
      const rows = await database.query<{ workflow_id: string; verdict: ParkVerdict }>({
        name: statementName('parking_park'),
        text: `
          select workflow_id, verdict
          from ${schema}.park($1::uuid, $2::text[], $3::int8[], $4::int8[], $5::int4[], $6::text[])`,
        values: [
          executorId,
          { arrayOf: 'text', values: runs.map((run) => run.workflowId) },
          { arrayOf: 'int8', values: runs.map((run) => run.claimNo) },
          { arrayOf: 'int8', values: runs.map((run) => run.wakeAt) },
          { arrayOf: 'int4', values: runs.map((run) => run.retries) },
          { arrayOf: 'text', values: runs.map((run) => JSON.stringify(run.wakeOn)) },
        ],
      });
      return new Map(rows.map((row) => [row.workflow_id, row.verdict]));
    },
    async wakeWatching(watched, at) {
      const isAll = watched === 'all';
      const [row] = await database.query<{ woken: boolean; watched: string[] }>({
        name: isAll ? statementName('parking_wake_all_watching') : statementName('parking_wake_watching'),
        text: wakeWatchingText(schema, isAll ? 'r.watched is not null' : 'r.watched && $2::text[]'),
        values: [at, ...(isAll ? [] : [{ arrayOf: 'text' as const, values: watched }])],
      });
      return { hasWoken: row?.woken === true, workflowIds: row?.watched ?? [] };
    },
  };
}

const wokenMax = 1_000;
const watchedMax = 10_000;

/**
 * Rows that somebody else is changing are being woken, or parked; in the second case they are looked at afterwards. A claim
 * takes no row that is held here or by whoever brings a message or an outcome, so that no two of them wake a run in turn.
 */
function wakeWatchingText(schema: string, condition: string): string {
  return `
    with watching as materialized (
      select r.workflow_id, r.watched, r.wake_on from ${schema}.runs r where r.state = 'parked' and ${condition}
    ), come as materialized (
      select workflow_id from watching w where ${isPublished(schema, 'w.wake_on')} limit ${wokenMax}
    ), locked as materialized (
      select r.workflow_id from ${schema}.runs r
      where r.workflow_id in (select workflow_id from come) and r.state = 'parked'
      order by r.workflow_id for no key update skip locked
    ), woken as (
      update ${schema}.runs r set state = 'available', available_at = ${now('$1::int8')}, wake_on = '{}'
      from locked where r.workflow_id = locked.workflow_id returning r.workflow_id
    )
    select exists (select 1 from woken) as woken, array(
      select distinct id from watching w cross join unnest(w.watched) as id
      where w.workflow_id not in (select workflow_id from woken) limit ${watchedMax}
    ) as watched`;
}

/** Whether one of the events that an array of names has is set, or cannot be any more: its run has ended, or is gone. */
export function isPublished(schema: string, names: string): string {
  return `exists (
    select 1 from (
      select split_part(substr(name, 7), e'\\n', 1) as workflow_id, split_part(name, e'\\n', 2) as key
      from unnest(${names}) as name where starts_with(name, 'event:')
    ) event
    where exists (
        select 1 from ${schema}.checkpoints c
        where c.workflow_id = event.workflow_id and c.kind = 'event' and c.name = event.key and not c.failed
      )
      or exists (select 1 from ${schema}.outcomes o where o.workflow_id = event.workflow_id)
      or not exists (select 1 from ${schema}.runs r where r.workflow_id = event.workflow_id and r.state <> 'settled')
  )`;
}

/**
 * The CTEs that wake the parents of runs whose outcomes the statement writes, where they are parked. A parent that parks at
 * the same time holds its row until it is parked: hence the lock, and the state as it is then.
 *
 * @param settled a FROM item with `workflow_id` and `parent_id`, of which some may be null
 * @param at the time, as an expression
 * @param except which parents `p` are left alone
 */
export function wakeParentsParts(
  schema: string,
  { settled, at, except = 'false' }: { readonly settled: string; readonly at: string; readonly except?: string },
): readonly string[] {
  return [
    `parents as materialized (
      select p.workflow_id, p.state, p.wake_on, child.workflow_id as child_id
      from ${settled} child join ${schema}.runs p on p.workflow_id = child.parent_id
      where not (${except}) order by p.workflow_id for key share of p
    )`,
    `woken as (
      update ${schema}.runs r set state = 'available', available_at = ${at}, wake_on = '{}'
      from (
        select distinct workflow_id from parents where state = 'parked' and 'run:' || child_id = any(wake_on)
      ) parent
      where r.workflow_id = parent.workflow_id
      returning r.workflow_id
    )`,
  ];
}
