import type { Database } from '../database/database.js';
import type { EpochMs } from '../seams/clock.js';
import type { OutcomeKind } from './records.js';
import { waitUntil } from './queue-items.js';
import { traceOfNobodyWaiting } from './run-columns.js';
import { now, readMs, toMs } from './sql.js';

/** A run of a queue that failed for good, and what it failed with. */
export interface DeadLetterRecord {
  readonly workflowId: string;
  readonly workflow: string;
  readonly version: string;
  readonly key: string; // '' = none
  readonly priority: number;
  readonly units: number;
  readonly attempt: number;
  readonly kind: OutcomeKind;
  /** The encoded error. */
  readonly payload: string | null;
  readonly enqueuedAt: EpochMs;
  readonly failedAt: EpochMs;
  /** Its place in the line of its queue. */
  readonly place: number;
}

export interface DeadLetterStore {
  /** The oldest ones, by their places: all, or those among some runs. */
  list(params: {
    readonly queue: string;
    readonly workflowIds: readonly string[] | null; // null = all
    readonly afterPlace: number;
    readonly max: number;
  }): Promise<DeadLetterRecord[]>;
  /**
   * Takes the outcomes of runs back and puts them into line again. One that failed by itself starts afresh; one that nobody
   * executed any more when it ended goes on where it was, unless it is to start afresh too.
   */
  putBack(params: {
    readonly queue: string;
    readonly workflowIds: readonly string[];
    readonly afresh: boolean;
    readonly now: EpochMs | null; // null = the database's clock
  }): Promise<void>;
  /** Forgets that runs could be put back; they and their outcomes stay. */
  drop(params: { readonly queue: string; readonly workflowIds: readonly string[] }): Promise<void>;
}

/** What becomes of an item when its run has failed: it gives up all that others could wait for. */
export const deadItem = `state = 'dead', executor_id = null, deduplication_id = null, wait_until = null`;

/** Whose the runs of a flush are, as they are once nobody changes them. */
const claimsOf = (schema: string, source: string): string => `
    select item.workflow_id, r.executor_id = fence.id and r.claim_no = item.claim_no as is_own
    ${source} join ${schema}.runs r on r.workflow_id = item.workflow_id for key share of r
  `;

/**
 * The CTEs of a flush that make dead letters of the items of runs. A run that was put back since, as it can have been when the
 * flush is sent again, is not its executor's any more under that claim, and is left alone. The lock waits for who puts it back
 * just now, and looks at the run as it is then.
 *
 * @param source a FROM clause with the `fence` and the `item`s
 */
export const deadLetterParts = (schema: string, source: string): readonly string[] => [
  `failing as materialized (${claimsOf(schema, source)})`,
  `put_back as materialized (
    select workflow_id from failing where is_own is not true
  )`,
  `dead_letters as (
    update ${schema}.queue_items i set ${deadItem} from failing
    where i.workflow_id = failing.workflow_id and failing.is_own
  )`,
];

/**
 * The CTEs of a flush that is sent again which find the runs whose outcomes were taken back since. A run that
 * the same flush starts is not there yet unless the flush has arrived before, and then has the claim.
 */
export const reopenedParts = (schema: string, source: string): readonly string[] => [
  `ending as materialized (${claimsOf(schema, source)})`,
  `reopened as materialized (
    select workflow_id from ending where is_own is not true
  )`,
];

export function createDeadLetterStore(
  database: Database,
  schema: string,
  statementName: (name: string) => string,
): DeadLetterStore {
  return {
    async list({ queue, workflowIds, afterPlace, max }) {
      const rows = await database.query<DeadLetterRow>({
        name: statementName('dead_letters_list'),
        text: `
          select i.workflow_id, r.name, r.version, i.key, i.priority, i.units, r.attempt, o.kind, o.payload,
            i.place::float8 as place, ${toMs('i.enqueued_at')} as enqueued_ms, ${toMs('o.finished_at')} as failed_ms
          from ${schema}.queue_items i
          join ${schema}.runs r on r.workflow_id = i.workflow_id
          join ${schema}.outcomes o on o.workflow_id = i.workflow_id
          where i.queue = $1::text and i.state = 'dead' and i.place > $3::int8
            and ($2::text[] is null or i.workflow_id = any($2::text[]))
          order by i.place limit $4::int4`,
        values: [queue, workflowIds === null ? null : { arrayOf: 'text', values: workflowIds }, afterPlace, max],
      });
      return rows.map((row) => ({
        workflowId: row.workflow_id,
        workflow: row.name,
        version: row.version,
        key: row.key,
        priority: row.priority,
        units: row.units,
        attempt: row.attempt,
        kind: row.kind,
        payload: row.payload,
        enqueuedAt: readMs(row.enqueued_ms),
        failedAt: readMs(row.failed_ms),
        place: Number(row.place),
      }));
    },

    async putBack({ queue, workflowIds, afresh, now: at }) {
      await database.query({
        name: statementName('dead_letters_put_back'),
        text: putBackText(schema),
        values: [queue, { arrayOf: 'text', values: workflowIds }, afresh, at],
      });
    },

    async drop({ queue, workflowIds }) {
      await database.query({
        name: statementName('dead_letters_drop'),
        text: `
          delete from ${schema}.queue_items i
          where i.queue = $1::text and i.state = 'dead' and i.workflow_id = any($2::text[])`,
        values: [queue, { arrayOf: 'text', values: workflowIds }],
      });
    },
  };
}

/**
 * The executor that a run failed in left its row as it was; one that ended while it had no executor is settled. What
 * starts from the beginning can do so on any version. An item has its old place, so the order of a key stays what it was.
 */
const putBackText = (schema: string): string => `
  with clock as materialized (
    select ${now('$4::int8')} as now
  ), chosen as materialized (
    select i.workflow_id, run.is_afresh,
      case when run.is_afresh or r.attempt = 0 then '' else r.version end as version
    from ${schema}.queue_items i join ${schema}.runs r on r.workflow_id = i.workflow_id
    cross join lateral (select r.state <> 'settled' or ($3::bool and r.attempt > 0) as is_afresh) run
    where i.queue = $1::text and i.state = 'dead' and i.workflow_id = any($2::text[])
    order by i.place for update of i, r
  ), reopened as (
    delete from ${schema}.outcomes o using chosen where o.workflow_id = chosen.workflow_id
  ), back as (
    update ${schema}.runs r
    set state = 'queued', executor_id = null, claim_no = null, available_at = null, wake_on = null, crashes = 0,
      cancel_requested_at = null, deadline_at = null, trace = ${traceOfNobodyWaiting('r')},
      version = chosen.version,
      retries_due = case when chosen.is_afresh then 1 + (
        select count(*) from ${schema}.checkpoints c where c.workflow_id = r.workflow_id and c.kind = 'retry'
      ) else r.retries_due end
    from chosen where r.workflow_id = chosen.workflow_id
  )
  update ${schema}.queue_items i
  set state = 'waiting', version = chosen.version, run_at = clock.now,
    wait_until = ${waitUntil('clock.now', 'q.settings')},
    level = ${schema}.queue_level(i.priority, q.settings),
    rank = ${schema}.queue_rank(i.priority, i.enqueued_at, q.settings)
  from chosen cross join clock cross join (
    select jsonb_strip_nulls(q.declared || q.changed) as settings from ${schema}.queues q where q.name = $1::text
  ) q
  where i.workflow_id = chosen.workflow_id`;

interface DeadLetterRow extends Record<string, unknown> {
  workflow_id: string;
  name: string;
  version: string;
  key: string;
  priority: number;
  units: number;
  attempt: number;
  kind: OutcomeKind;
  payload: string | null;
  enqueued_ms: number;
  failed_ms: number;
  place: number;
}
