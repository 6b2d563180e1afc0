import type { Database, Queryable } from '../database/database.js';
import type { EpochMs } from '../seams/clock.js';
import { notifying } from './notifications.js';
import type { Checkpoint, CheckpointKind, NewRun, Outcome, OutcomeKind, RunRecord } from './records.js';
import { wakeParentsParts } from './parking.js';
import { runColumns } from './run-columns.js';
import { runRecordColumns, runRecordSource, type RunRow, toRunRecord } from './run-records.js';
import { columnNames, now, readMs, rowsParameters, rowsSelection, rowsSource, toMs } from './sql.js';
import { streamedRows } from './streams.js';

/** What a cancellation request came to, for each run that it reached. */
export interface CancelVerdict {
  readonly workflowId: string;
  /** The executor to tell; null if nobody owned the run. */
  readonly executorId: string | null;
  /** Whether it was ended at once. One that has begun goes on instead: it may have something to undo. */
  readonly isSettled: boolean;
  /** The trace that it is part of; null = none. */
  readonly trace: string | null;
}

/** What a second start of a run is compared with. */
export type RunIdentity = Pick<NewRun, 'name' | 'input' | 'fingerprint' | 'seed' | 'trace'>;

/** Stands for the id of a run in a payload that each of several gets with its own: Postgres takes no id that holds it. */
export const ownId = '\0';

export interface CancelRequest {
  readonly workflowId: string;
  /** Encoded {@link CancelledError} for what nobody owns; {@link ownId} in it becomes the id of the run that gets it. */
  readonly cancelledPayload: string;
  readonly now: EpochMs | null; // null = the database's clock
}

/** Questions about runs, and requests to them from anywhere. */
export interface RunStore {
  /**
   * Inserts runs outside any engine's log, available to any executor once that is committed. Answers with the seeds of those
   * whose workflow id was not taken.
   *
   * @param enclosed hints that are sent with them
   */
  insertAvailable(
    tx: Queryable,
    runs: readonly Omit<NewRun, 'claimNo'>[],
    now: EpochMs | null,
    enclosed?: readonly string[],
  ): Promise<ReadonlySet<string>>;
  /** What a run is, also as a transaction sees it; null if it isn't there. */
  findIn(tx: Queryable, workflowId: string): Promise<RunIdentity | null>;
  find(workflowId: string): Promise<RunRecord | null>;
  /** The outcomes that exist among these runs, and which of them are no runs at all. */
  findOutcomes(workflowIds: readonly string[]): Promise<{ outcomes: Outcome[]; unknownIds: string[] }>;
  /** The histories of many runs, in recorded order, in one query. */
  loadHistories(workflowIds: readonly string[]): Promise<Map<string, Checkpoint[]>>;
  /** What is stored of the traces of these runs, where something is. */
  findTraces(workflowIds: readonly string[]): Promise<string[]>;
  /** Cancels a run and its attached descendants: at once where nobody owns them, else by a request to the owner. */
  requestCancel(params: CancelRequest): Promise<CancelVerdict[]>;
  /** The same for the attached descendants of a run, and not for the run. */
  requestCancelOfChildren(params: CancelRequest): Promise<CancelVerdict[]>;
  /** The runs of an executor that somebody asked to cancel, for when the wake-up was lost. */
  findCancelRequests(executorId: string): Promise<string[]>;
}

export function createRunStore(
  database: Database,
  schema: string,
  statementName: (name: string) => string,
  channel: string,
): RunStore {
  const findIn: RunStore['findIn'] = async (tx, workflowId) => {
    const [run] = await tx.query<RunIdentity>({
      name: statementName('runs_find_identity'),
      text: `select name, input, fingerprint, seed, trace from ${schema}.runs where workflow_id = $1::text`,
      values: [workflowId],
    });
    return run ?? null;
  };
  return {
    async insertAvailable(tx, runs, at, enclosed = []) {
      const count = runs.length === 1 ? 'one' : 'many';
      const rows = await tx.query<{ seed: string }>({
        name: statementName(`runs_insert_available_${count}`),
        text: `
          insert into ${schema}.runs (${columnNames(runColumns)}, unchecked, state, attempt, available_at)
          select ${rowsSelection(runColumns)}, item.version = '', 'available', 0, ${now(`$${runColumns.length + 1}::int8`)}
          from ${rowsSource(runColumns, 1, count)}
          on conflict do nothing returning seed, ${notifying(channel, runColumns.length + 2)}`,
        values: [...rowsParameters(runColumns, runs), at, { arrayOf: 'text', values: enclosed }],
      });
      return new Set(rows.map((row) => row.seed));
    },

    findIn,

    async find(workflowId) {
      const [row] = await database.query<RunRow>({
        name: statementName('runs_find'),
        text: `
          select ${runRecordColumns} from ${runRecordSource(schema)}
          where r.workflow_id = $1::text`,
        values: [workflowId],
      });
      return row === undefined ? null : toRunRecord(row);
    },

    async findOutcomes(workflowIds) {
      const rows = await database.query<OutcomeRow>({
        name: statementName('runs_find_outcomes'),
        text: `
          select asked.workflow_id, r.workflow_id is not null as known, o.kind, o.payload,
            ${toMs('o.finished_at')} as finished_ms
          from unnest($1::text[]) as asked(workflow_id)
          left join ${schema}.outcomes o on o.workflow_id = asked.workflow_id
          left join ${schema}.runs r on r.workflow_id = asked.workflow_id
          where o.workflow_id is not null or r.workflow_id is null`,
        values: [{ arrayOf: 'text', values: workflowIds }],
      });
      return {
        outcomes: rows.flatMap((row) =>
          row.kind === null
            ? []
            : [
                {
                  workflowId: row.workflow_id,
                  kind: row.kind,
                  payload: row.payload,
                  finishedAt: readMs(row.finished_ms),
                },
              ],
        ),
        unknownIds: rows.filter((row) => !row.known).map((row) => row.workflow_id),
      };
    },

    async loadHistories(workflowIds) {
      const histories = new Map<string, Checkpoint[]>(workflowIds.map((workflowId) => [workflowId, []]));
      const rows = await database.query<CheckpointRow>({
        name: statementName('runs_load_histories'),
        text: `
          select workflow_id, position, seq, kind, name, payload, failed, attempt,
            ${toMs('started_at')} as started_ms, ${toMs('finished_at')} as finished_ms
          from ${schema}.checkpoints where workflow_id = any($1::text[])
          union all
          select t.workflow_id, -1, t.seq, 'transaction', t.name, t.payload, false, t.attempt,
            ${toMs('t.started_at')}, ${toMs('t.finished_at')}
          from ${schema}.transactions t
          where t.workflow_id = any($1::text[])
            and t.retries = (
              select count(*) from ${schema}.checkpoints c where c.workflow_id = t.workflow_id and c.kind = 'retry'
            )
          union all
          ${streamedRows(schema, '$1')}
          order by workflow_id, position`,
        values: [{ arrayOf: 'text', values: workflowIds }],
      });
      for (const row of rows) histories.get(row.workflow_id)?.push(toCheckpoint(row));
      return histories;
    },

    async findTraces(workflowIds) {
      const rows = await database.query<{ trace: string }>({
        name: statementName('runs_find_traces'),
        text: `select trace from ${schema}.runs where workflow_id = any($1::text[]) and trace is not null`,
        values: [{ arrayOf: 'text', values: workflowIds }],
      });
      return rows.map((row) => row.trace);
    },

    async requestCancel({ workflowId, cancelledPayload, now: at }) {
      const rows = await database.query<CancelRow>({
        name: statementName('runs_request_cancel'),
        text: cancelText(schema, 'select $1::text as workflow_id'),
        values: [workflowId, cancelledPayload, at],
      });
      return rows.map(toCancelVerdict);
    },

    async requestCancelOfChildren({ workflowId, cancelledPayload, now: at }) {
      const rows = await database.query<CancelRow>({
        name: statementName('runs_request_cancel_of_children'),
        text: cancelText(schema, `select workflow_id from ${schema}.runs where parent_id = $1::text and not detached`),
        values: [workflowId, cancelledPayload, at],
      });
      return rows.map(toCancelVerdict);
    },

    async findCancelRequests(executorId) {
      const rows = await database.query<{ workflow_id: string }>({
        name: statementName('runs_find_cancel_requests'),
        text: `
          select r.workflow_id from ${schema}.runs r
          where r.executor_id = $1::uuid and r.cancel_requested_at is not null and r.state = 'owned'
            and not exists (select 1 from ${schema}.outcomes o where o.workflow_id = r.workflow_id)`,
        values: [executorId],
      });
      return rows.map((row) => row.workflow_id);
    },
  };
}

/** As payloads have {@link ownId}, and an id. */
const withOwnId = (payload: string, id: string): string =>
  `replace(${payload}, e'\\\\u0000', substr(to_json(${id})::text, 2, length(to_json(${id})::text) - 2))`;

/**
 * Ends what nobody has begun, and what no code fits. What has begun, and waits for a process or is parked, hears of it where
 * it is executed next. Rows are locked in the order of their ids, so that two cancellations of one tree cannot deadlock.
 *
 * @param roots the runs that are cancelled with their attached descendants
 */
const cancelText = (schema: string, roots: string): string => `
  with recursive clock as materialized (
    select ${now('$3::int8')} as now
  ), tree as (
    ${roots}
    union
    select r.workflow_id from tree
    join ${schema}.runs r on r.parent_id = tree.workflow_id and not r.detached
  ), target as materialized (
    select r.workflow_id from ${schema}.runs r
    where r.workflow_id in (select workflow_id from tree)
      and not exists (select 1 from ${schema}.outcomes o where o.workflow_id = r.workflow_id)
    order by r.workflow_id for update
  ), requested as (
    update ${schema}.runs r
    set cancel_requested_at = coalesce(r.cancel_requested_at, clock.now),
      state = case when r.state = 'owned' then 'owned'
        when r.attempt = 0 or r.state = 'blocked' then 'settled'
        when r.state = 'queued' then 'queued' else 'available' end,
      available_at = case when r.state = 'parked' then clock.now else r.available_at end,
      wake_on = case when r.state = 'parked' then '{}' else r.wake_on end
    from target cross join clock
    where r.workflow_id = target.workflow_id and r.state <> 'settled'
    returning r.workflow_id, r.parent_id, r.state, r.executor_id, r.trace, r.created_at
  ), settled as (
    insert into ${schema}.outcomes (workflow_id, kind, payload, finished_at, created_at)
    select requested.workflow_id, 'cancelled', ${withOwnId('$2::text', 'requested.workflow_id')}, clock.now, requested.created_at
    from requested cross join clock
    where requested.state = 'settled'
    on conflict do nothing
  ), dequeued as (
    delete from ${schema}.queue_items i using requested
    where i.workflow_id = requested.workflow_id and requested.state = 'settled'
  ), ${wakeParentsParts(schema, {
    settled: `(select * from requested where state = 'settled')`,
    at: now('$3::int8'),
    except: 'p.workflow_id in (select workflow_id from target)',
  }).join(', ')}
  select workflow_id, executor_id::text as executor_id, state = 'settled' as is_settled, trace from requested`;

interface CancelRow extends Record<string, unknown> {
  workflow_id: string;
  executor_id: string | null;
  is_settled: boolean;
  trace: string | null;
}

const toCancelVerdict = (row: CancelRow): CancelVerdict => ({
  workflowId: row.workflow_id,
  executorId: row.executor_id,
  isSettled: row.is_settled,
  trace: row.trace,
});

interface OutcomeRow extends Record<string, unknown> {
  workflow_id: string;
  known: boolean;
  kind: OutcomeKind | null;
  payload: string | null;
  finished_ms: number | null;
}

interface CheckpointRow extends Record<string, unknown> {
  workflow_id: string;
  position: number;
  seq: number;
  kind: CheckpointKind;
  name: string;
  payload: string | null;
  failed: boolean;
  attempt: number;
  started_ms: number;
  finished_ms: number;
}

function toCheckpoint(row: CheckpointRow): Checkpoint {
  return {
    workflowId: row.workflow_id,
    position: row.position,
    seq: row.seq,
    kind: row.kind,
    name: row.name,
    payload: row.payload,
    failed: row.failed,
    startedAt: readMs(row.started_ms),
    finishedAt: readMs(row.finished_ms),
    attempt: row.attempt,
  };
}
