import type { EpochMs } from '../seams/clock.js';
import type { NewRun } from './records.js';
import { runColumns } from './run-columns.js';
import { type Column, columnNames, fromMs, now, rowsSelection } from './sql.js';

/** How a run waits in a queue. */
export interface QueuedRun extends Omit<NewRun, 'claimNo'> {
  readonly queue: string;
  readonly key: string; // '' = none
  readonly priority: number;
  readonly units: number;
  /** Not before that; null = {@link delayMs} after now, by the database's clock. */
  readonly runAt: EpochMs | null;
  readonly delayMs: number;
  /** From when it is first taken; null = no limit. */
  readonly timeoutMs: number | null;
}

export const queuedRunColumns: readonly Column<QueuedRun>[] = [
  ...runColumns,
  { name: 'queue', type: 'text', value: (run) => run.queue },
  { name: 'key', type: 'text', value: (run) => run.key },
  { name: 'priority', type: 'int4', value: (run) => run.priority },
  { name: 'units', type: 'int4', value: (run) => run.units },
  { name: 'run_at', type: 'int8', value: (run) => run.runAt },
  { name: 'delay_ms', type: 'int8', value: (run) => run.delayMs },
  { name: 'timeout_ms', type: 'int8', value: (run) => run.timeoutMs },
];

const itemColumns =
  'workflow_id, name, version, queue, key, priority, units, timeout_ms, state, enqueued_at, run_at, wait_until, level, rank';

/**
 * The CTEs that write queued runs and their items together; the item's place in line follows the order of the rows.
 *
 * @param source a FROM clause whose `item` has {@link queuedRunColumns}
 * @param at the parameter that holds the time, or null for the database's
 */
export function enqueueParts(
  schema: string,
  { source, at, onConflict }: { readonly source: string; readonly at: string; readonly onConflict: string },
): readonly string[] {
  return [
    `given as materialized (
      select item.*, row_number() over () as no ${source}
    )`,
    `enqueued as (
      insert into ${schema}.runs (${columnNames(runColumns)}, unchecked, queue, queueing, state, attempt)
      select ${rowsSelection(runColumns)}, item.version = '', item.queue, ${queueing}, 'queued', 0 from given item
      ${onConflict} returning workflow_id, seed
    )`,
    `placed as (
      insert into ${schema}.queue_items (${itemColumns})
      select ${itemSelection(schema)}
      from given item join enqueued on enqueued.seed = item.seed
      ${itemJoins(schema, at)}
      order by item.no
    )`,
  ];
}

/** What is not as by default: runs that come back to their queue wait as they did. */
const queueing = `case when item.key <> '' or item.priority <> 0 or item.units <> 1 or item.timeout_ms is not null
  then jsonb_build_object('key', item.key, 'priority', item.priority, 'units', item.units, 'timeoutMs', item.timeout_ms) end`;

/** Until when an item waits that stands in line from a moment on; null without a limit. */
export const waitUntil = (runAt: string, settings: string): string =>
  `${runAt} + (${settings} ->> 'maxWaitMs')::float8 * interval '1 millisecond'`;

/** What {@link itemColumns} are filled with, over {@link itemJoins}. */
const itemSelection = (schema: string): string => `
  item.workflow_id, item.name, item.version, item.queue, item.key, item.priority, item.units, item.timeout_ms,
  case when due.at > clock.now then 'delayed' else 'waiting' end, clock.now, due.at,
  ${waitUntil('due.at', 'q.settings')},
  ${schema}.queue_level(item.priority, q.settings), ${schema}.queue_rank(item.priority, clock.now, q.settings)`;

const itemJoins = (schema: string, at: string): string => `
  cross join (select ${now(at)} as now) clock
  cross join lateral (
    select coalesce(${fromMs('item.run_at')}, clock.now + item.delay_ms * interval '1 millisecond') as at
  ) due
  left join lateral (
    select jsonb_strip_nulls(q.declared || q.changed) as settings from ${schema}.queues q where q.name = item.queue
  ) q on true`;

/** One item that has its deduplication id to itself, and its run, unless another holds the id. */
export function enqueueUniqueText(
  schema: string,
  { source, at, id, frees, maxMs }: Readonly<Record<'source' | 'at' | 'id' | 'frees' | 'maxMs', string>>,
): string {
  return `
    with given as materialized (
      select item.* ${source}
    ), placed as (
      insert into ${schema}.queue_items (${itemColumns}, deduplication_id, frees_when_taken, run_at_max)
      select ${itemSelection(schema)}, ${id}, ${frees}, clock.now + ${maxMs} * interval '1 millisecond'
      from given item ${itemJoins(schema, at)}
      on conflict (queue, deduplication_id) where deduplication_id is not null do nothing
      returning workflow_id
    ), enqueued as (
      insert into ${schema}.runs (${columnNames(runColumns)}, unchecked, queue, queueing, state, attempt)
      select ${rowsSelection(runColumns)}, item.version = '', item.queue, ${queueing}, 'queued', 0
      from given item join placed on placed.workflow_id = item.workflow_id
    )
    select workflow_id from placed`;
}
