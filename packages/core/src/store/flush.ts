import type { Database, Parameter, Statement } from '../database/database.js';
import type { EpochMs } from '../seams/clock.js';
import { notifying } from './notifications.js';
import { enqueueParts, type QueuedRun, queuedRunColumns } from './queue-items.js';
import type { Checkpoint, ConsumedMessage, NewRun, Outcome } from './records.js';
import { deadLetterParts, reopenedParts } from './dead-letters.js';
import { wakeParentsParts } from './parking.js';
import { runColumns } from './run-columns.js';
import { discardColumns, type Discard, type StreamEntry, streamColumns } from './streams.js';
import { type Column, columnNames, fromMs, now, rowsParameters, rowsSelection, rowsSource } from './sql.js';

/** Everything that one flush makes durable together. */
export interface FlushBatch {
  readonly executorId: string;
  readonly starts: readonly NewRun[];
  readonly enqueued: readonly QueuedRun[];
  readonly checkpoints: readonly Checkpoint[];
  readonly outcomes: readonly Outcome[];
  /** Of the runs with an outcome, those that leave their queue. */
  readonly dequeued: readonly string[];
  /** Of the runs with an outcome, those that have failed in a queue. */
  readonly deadLetters: readonly ClaimOfRun[];
  /** Of the runs with an outcome, those others that have not completed. */
  readonly reopenable: readonly ClaimOfRun[];
  readonly consumed: readonly (ConsumedMessage & {
    readonly workflowId: string;
    /** The call that received it. */
    readonly seq: number;
  })[];
  /** Of the runs with an outcome, those whose parents may be parked. */
  readonly childrenOfOthers: readonly ChildOfOther[];
  readonly streamed: readonly StreamEntry[];
  /** What goes from streams; none of it is in {@link streamed}. */
  readonly discarded: readonly Discard[];
  readonly now: EpochMs | null; // null = the database's clock
  /** Hints that are sent with it. */
  readonly enclosed: readonly string[];
}

/** A run whose outcome may be taken back, and so may be another's by the time that this is sent again. */
export interface ClaimOfRun {
  readonly workflowId: string;
  readonly claimNo: number;
}

/** A child whose parent this executor doesn't execute. */
export interface ChildOfOther {
  readonly workflowId: string;
  readonly parentId: string;
}

export interface FlushResult {
  /** False: this executor's lease was revoked. Nothing was written. */
  readonly held: boolean;
  /** The seeds of the runs whose workflow id another start has taken, be it one of the same batch. */
  readonly takenSeeds: ReadonlySet<string>;
  /** Whether a parked parent was woken, so that there is something to claim. */
  readonly hasWoken: boolean;
}

export interface FlushStore {
  /** Writes a batch that nobody else can have written. A unique violation writes nothing and is thrown. */
  writeNew(batch: FlushBatch): Promise<FlushResult>;
  /**
   * Writes what is not there yet: for a batch that may have been written already, or that met a taken id. Of a run that was
   * deleted meanwhile nothing is written, or the next run of that id would find it.
   */
  writeMissing(batch: FlushBatch): Promise<FlushResult>;
}

/**
 * The hot path: starts, checkpoints and outcomes of many runs in one statement, one round trip, one commit.
 *
 * The fence is the executor's own row, locked FOR KEY SHARE. Revoking a lease locks the row FOR UPDATE, so it waits for
 * every flush in flight, and a flush that comes later finds the row revoked and writes nothing. A run changes hands only
 * through its executor or after its executor was revoked, hence one fence covers every row of the flush (docs/adr/0003).
 * The heartbeat's update does not conflict with the lock.
 *
 * Plain inserts come first, because `on conflict` costs a quarter more and a conflict is rare.
 */
export function createFlushStore(
  database: Database,
  schema: string,
  statementName: (name: string) => string,
  channel: string,
): FlushStore {
  const texts = new Map<string, string>();

  function statement(batch: FlushBatch, mode: 'new' | 'missing'): Statement {
    const shape = [
      ...[batch.starts, batch.checkpoints, batch.outcomes].map((rows) => countOf(rows)),
      ...(batch.enqueued.length > 0 ? ['enqueued', countOf(batch.enqueued)] : []),
      ...(batch.dequeued.length > 0 ? ['dequeued', countOf(batch.dequeued)] : []),
      ...(batch.deadLetters.length > 0 ? ['dead', countOf(batch.deadLetters)] : []),
      ...(mode === 'missing' && batch.reopenable.length > 0 ? ['reopenable', countOf(batch.reopenable)] : []),
      ...(batch.consumed.length > 0 ? ['consumed', countOf(batch.consumed)] : []),
      ...(batch.childrenOfOthers.length > 0 ? ['children', countOf(batch.childrenOfOthers)] : []),
      ...(batch.streamed.length > 0 ? ['streamed', countOf(batch.streamed)] : []),
      ...(batch.discarded.length > 0 ? ['discarded', countOf(batch.discarded)] : []),
    ].join('_');
    const name = statementName(`flush_${mode}_${shape}`);
    let text = texts.get(name);
    if (text === undefined) {
      text = flushText(schema, channel, batch, mode);
      texts.set(name, text);
    }
    return { name, text, values: flushValues(batch, mode) };
  }

  async function write(batch: FlushBatch, mode: 'new' | 'missing'): Promise<FlushResult> {
    const [row] = await database.query<FlushRow>(statement(batch, mode));
    const held = row?.held === true;
    const hasWoken = row?.woken === true;
    if (!held || mode === 'new') return { held, takenSeeds: new Set(), hasWoken };
    const started = new Set(row.started);
    const missing = [...batch.starts, ...batch.enqueued].filter((run) => !started.has(run.seed));
    return { held, takenSeeds: missing.length === 0 ? new Set() : await takenOf(batch, missing), hasWoken };
  }

  /**
   * A run that was not inserted is ours after all if the row carries our seed: an earlier send had arrived. One that is to be
   * executed here must also have been claimed by that send: what this process had sent as another executor, before its lease
   * was revoked, goes on wherever it is claimed.
   */
  async function takenOf(
    { executorId, starts }: FlushBatch,
    runs: readonly { workflowId: string; seed: string }[],
  ): Promise<ReadonlySet<string>> {
    const rows = await database.query<{ seed: string; executor_id: string | null; claim_no: number | null }>({
      name: statementName('flush_started_by'),
      text: `
        select seed, executor_id::text as executor_id, claim_no::float8 as claim_no
        from ${schema}.runs where workflow_id = any($1::text[])`,
      values: [{ arrayOf: 'text', values: runs.map((run) => run.workflowId) }],
    });
    const claimNos = new Map(starts.map((run) => [run.seed, run.claimNo]));
    const isOurs = (row: (typeof rows)[number]): boolean =>
      !claimNos.has(row.seed) || (row.executor_id === executorId && Number(row.claim_no) === claimNos.get(row.seed));
    const ours = new Set(rows.filter(isOurs).map((row) => row.seed));
    return new Set(runs.map((run) => run.seed).filter((seed) => !ours.has(seed)));
  }

  return {
    writeNew: (batch) => write(batch, 'new'),
    writeMissing: (batch) => write(batch, 'missing'),
  };
}

const startColumns: readonly Column<NewRun>[] = [
  ...runColumns,
  { name: 'claim_no', type: 'int8', value: (run) => run.claimNo },
];

const checkpointColumns: readonly Column<Checkpoint>[] = [
  { name: 'workflow_id', type: 'text', value: (row) => row.workflowId },
  { name: 'position', type: 'int4', value: (row) => row.position },
  { name: 'seq', type: 'int4', value: (row) => row.seq },
  { name: 'kind', type: 'text', value: (row) => row.kind },
  { name: 'name', type: 'text', value: (row) => row.name },
  { name: 'payload', type: 'text', value: (row) => row.payload },
  { name: 'failed', type: 'bool', value: (row) => row.failed },
  { name: 'started_at', type: 'int8', value: (row) => row.startedAt, expression: fromMs },
  { name: 'finished_at', type: 'int8', value: (row) => row.finishedAt, expression: fromMs },
  { name: 'attempt', type: 'int4', value: (row) => row.attempt },
];

const outcomeColumns: readonly Column<Outcome>[] = [
  { name: 'workflow_id', type: 'text', value: (row) => row.workflowId },
  { name: 'kind', type: 'text', value: (row) => row.kind },
  { name: 'payload', type: 'text', value: (row) => row.payload },
  { name: 'finished_at', type: 'int8', value: (row) => row.finishedAt, expression: fromMs },
];

const dequeuedColumns: readonly Column<string>[] = [
  { name: 'workflow_id', type: 'text', value: (workflowId) => workflowId },
];

const claimColumns: readonly Column<ClaimOfRun>[] = [
  { name: 'workflow_id', type: 'text', value: (letter) => letter.workflowId },
  { name: 'claim_no', type: 'int8', value: (letter) => letter.claimNo },
];

const consumedColumns: readonly Column<FlushBatch['consumed'][number]>[] = [
  { name: 'workflow_id', type: 'text', value: (message) => message.workflowId },
  { name: 'no', type: 'int8', value: (message) => message.no },
  { name: 'retries', type: 'int4', value: (message) => message.retries },
  { name: 'seq', type: 'int4', value: (message) => message.seq },
];

interface FlushRow extends Record<string, unknown> {
  held: boolean;
  started: string[] | null;
  woken: boolean;
}

const childColumns: readonly Column<ChildOfOther>[] = [
  { name: 'workflow_id', type: 'text', value: (child) => child.workflowId },
  { name: 'parent_id', type: 'text', value: (child) => child.parentId },
];

type Count = 'none' | 'one' | 'many';

function countOf(rows: readonly unknown[]): Count {
  if (rows.length === 0) return 'none';
  return rows.length === 1 ? 'one' : 'many';
}

/** A run that ends has been started by an earlier flush. */
const createdAtIfUnsuccessful = (schema: string): string => `case when item.kind <> 'completed' then (
  select r.created_at from ${schema}.runs r where r.workflow_id = item.workflow_id
) end`;

function flushText(schema: string, channel: string, batch: FlushBatch, mode: 'new' | 'missing'): string {
  const onConflict = mode === 'missing' ? 'on conflict do nothing' : '';
  const parts = [
    `fence as materialized (
      select id from ${schema}.executors where id = $1::uuid and revoked_at is null for key share
    )`,
  ];
  let parameter = 2;
  const isGuarded = mode === 'missing' && ownersOf(batch).length > 0;
  if (isGuarded) {
    parts.push(`present as materialized (
      select r.workflow_id from ${schema}.runs r where r.workflow_id = any($2::text[]) order by r.workflow_id for key share
    )`);
    parameter += 1;
  }
  const source = <R>(columns: readonly Column<R>[], rows: readonly R[]): string => {
    const from = rowsSource(columns, parameter, countOf(rows) === 'one' ? 'one' : 'many');
    parameter += columns.length;
    return `from fence cross join ${from}`;
  };
  if (batch.starts.length > 0) {
    parts.push(`started as (
      insert into ${schema}.runs (${columnNames(startColumns)}, state, executor_id, attempt)
      select ${rowsSelection(startColumns)}, 'owned', fence.id, 1 ${source(startColumns, batch.starts)}
      ${onConflict} returning seed, workflow_id
    )`);
  }
  const startedHere = batch.starts.length > 0 ? 'union all select workflow_id from started' : '';
  const there = isGuarded ? [`item.workflow_id in (select workflow_id from present ${startedHere})`] : [];
  if (batch.checkpoints.length > 0) {
    parts.push(`recorded as (
      insert into ${schema}.checkpoints (${columnNames(checkpointColumns)})
      select ${rowsSelection(checkpointColumns)} ${source(checkpointColumns, batch.checkpoints)}
      ${where(there)} ${onConflict}
    )`);
  }
  if (batch.deadLetters.length > 0) parts.push(...deadLetterParts(schema, source(claimColumns, batch.deadLetters)));
  const guards = batch.deadLetters.length > 0 ? ['put_back'] : [];
  if (mode === 'missing' && batch.reopenable.length > 0) {
    parts.push(...reopenedParts(schema, source(claimColumns, batch.reopenable)));
    guards.push('reopened');
  }
  const own = guards.map((guard) => `item.workflow_id not in (select workflow_id from ${guard})`);
  if (batch.outcomes.length > 0) {
    parts.push(`settled as (
      insert into ${schema}.outcomes (${columnNames(outcomeColumns)}, created_at)
      select ${rowsSelection(outcomeColumns)}, ${createdAtIfUnsuccessful(schema)}
      ${source(outcomeColumns, batch.outcomes)}
      ${where([...own, ...there])} ${onConflict}
    )`);
  }
  if (batch.enqueued.length > 0) {
    const from = source(queuedRunColumns, batch.enqueued);
    parts.push(...enqueueParts(schema, { source: from, at: `$${parameter}::int8`, onConflict }));
    parameter += 1;
  }
  if (batch.dequeued.length > 0) {
    const from = source(dequeuedColumns, batch.dequeued);
    parts.push(`dequeued as (
      delete from ${schema}.queue_items i
      where i.workflow_id in (select item.workflow_id ${from} ${where(own)})
    )`);
  }
  if (batch.consumed.length > 0) {
    const from = source(consumedColumns, batch.consumed);
    parts.push(`consumed as (
      update ${schema}.messages m set consumed_in = greatest(m.consumed_in, item.retries), consumed_by = item.seq ${from}
      where m.workflow_id = item.workflow_id and m.no = item.no
    )`);
  }
  if (batch.childrenOfOthers.length > 0) {
    const from = source(childColumns, batch.childrenOfOthers);
    const at = now(`$${parameter}::int8`);
    parts.push(...wakeParentsParts(schema, { settled: `(select item.* ${from})`, at }));
    parameter += 1;
  }
  if (batch.streamed.length > 0) {
    parts.push(`streamed as (
      insert into ${schema}.streams (${columnNames(streamColumns)})
      select ${rowsSelection(streamColumns)} ${source(streamColumns, batch.streamed)}
      ${where(there)} ${onConflict}
    )`);
  }
  if (batch.discarded.length > 0) {
    const from = source(discardColumns, batch.discarded);
    parts.push(`discarded as (
      delete from ${schema}.streams s using (select item.* ${from}) item
      where s.workflow_id = item.workflow_id and s.name = item.name and s.no between item.first and item.last
    )`);
  }
  const inserted = [
    ...(batch.starts.length > 0 ? ['select seed from started'] : []),
    ...(batch.enqueued.length > 0 ? ['select seed from enqueued'] : []),
  ];
  const started =
    mode === 'missing' && inserted.length > 0
      ? `(select array_agg(seed) from (${inserted.join(' union all ')}) as inserted)`
      : 'null::text[]';
  const woken = batch.childrenOfOthers.length > 0 ? 'exists (select 1 from woken)' : 'false';
  return `with ${parts.join(',\n')}\nselect exists (select 1 from fence) as held, ${started} as started, ${woken} as woken${batch.outcomes.length > 0 ? `, ${notifying(channel, parameter)}` : ''}`;
}

const where = (conditions: readonly string[]): string =>
  conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`;

/** The runs that a batch adds something to. One that has ended may be deleted before the batch is sent again. */
function ownersOf({ checkpoints, outcomes, streamed }: FlushBatch): string[] {
  return [...new Set([...checkpoints, ...outcomes, ...streamed].map(({ workflowId }) => workflowId))];
}

function flushValues(batch: FlushBatch, mode: 'new' | 'missing'): Parameter[] {
  const owners = mode === 'missing' ? ownersOf(batch) : [];
  return [
    batch.executorId,
    ...(owners.length > 0 ? [{ arrayOf: 'text' as const, values: owners }] : []),
    ...groupValues(startColumns, batch.starts),
    ...groupValues(checkpointColumns, batch.checkpoints),
    ...groupValues(claimColumns, batch.deadLetters),
    ...(mode === 'missing' ? groupValues(claimColumns, batch.reopenable) : []),
    ...groupValues(outcomeColumns, batch.outcomes),
    ...groupValues(queuedRunColumns, batch.enqueued),
    ...(batch.enqueued.length > 0 ? [batch.now] : []),
    ...groupValues(dequeuedColumns, batch.dequeued),
    ...groupValues(consumedColumns, batch.consumed),
    ...groupValues(childColumns, batch.childrenOfOthers),
    ...(batch.childrenOfOthers.length > 0 ? [batch.now] : []),
    ...groupValues(streamColumns, batch.streamed),
    ...groupValues(discardColumns, batch.discarded),
    ...(batch.outcomes.length > 0 ? [{ arrayOf: 'text' as const, values: batch.enclosed }] : []),
  ];
}

function groupValues<R>(columns: readonly Column<R>[], rows: readonly R[]): Parameter[] {
  return rows.length === 0 ? [] : rowsParameters(columns, rows);
}
