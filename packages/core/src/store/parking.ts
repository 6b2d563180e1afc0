import type { Database } from '../database/database.js';
import type { EpochMs } from '../seams/clock.js';

/** A run that is to leave memory. */
export interface Parking {
  readonly workflowId: string;
  readonly claimNo: number;
  readonly wakeAt: EpochMs | null; // null = only what it waits for wakes it
  /** How often the whole workflow was retried. */
  readonly retries: number;
  /** {@link topicEvent} and {@link runEvent} of what wakes it. */
  readonly wakeOn: readonly string[];
}

/** `kept`: something that it waits for has come, and it stays with its executor. */
export type ParkVerdict = 'parked' | 'kept';

export interface ParkingStore {
  /** Sets runs aside until what they wait for comes, if it hasn't yet. Those that the executor no longer owns have no verdict. */
  park(executorId: string, runs: readonly Parking[]): Promise<ReadonlyMap<string, ParkVerdict>>;
}

export const topicEvent = (topic: string): string => `topic:${topic}`;
export const runEvent = (workflowId: string): string => `run:${workflowId}`;

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
  };
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
