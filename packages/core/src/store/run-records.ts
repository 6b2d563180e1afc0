import type { Attributes, CrashRecord, OutcomeKind, RunRecord, RunState, RunStatus } from './records.js';
import { readMs, readMsOrNull, toMs } from './sql.js';

/** What a {@link RunRecord} is made of, over {@link runRecordSource}. */
export const runRecordColumns = `
  r.workflow_id, r.name, r.version, r.state, r.queue, i.state as item_state, r.context, r.parent_id,
  r.executor_id::text as executor_id, r.attempt, r.crash_log, r.blocked_reason,
  r.cancel_requested_at is not null as cancel_requested, r.attributes, r.forked_from,
  o.kind as outcome, ${toMs('r.created_at')} as created_ms, ${toMs('r.deadline_at')} as deadline_ms,
  ${toMs('o.finished_at')} as finished_ms`;

/** @param runs the table of runs, or some of its rows */
export const runRecordSource = (schema: string, runs = `${schema}.runs`): string => `
  ${runs} r left join ${schema}.outcomes o on o.workflow_id = r.workflow_id
  left join ${schema}.queue_items i on i.workflow_id = r.workflow_id`;

/** A {@link RunStatus}, over {@link runRecordSource}. */
export const statusColumn = `coalesce(o.kind, case
  when r.state in ('owned', 'parked') then 'running'
  when r.state = 'queued' and i.state = 'delayed' then 'delayed'
  when r.state in ('available', 'queued') then 'enqueued'
  when r.state = 'blocked' then 'blocked'
  else 'cancelled' end)`;

export interface RunRow extends Record<string, unknown> {
  workflow_id: string;
  name: string;
  version: string;
  state: RunState;
  queue: string | null;
  item_state: string | null;
  context: string | null;
  parent_id: string | null;
  executor_id: string | null;
  attempt: number;
  crash_log: readonly CrashRecord[] | null;
  blocked_reason: string | null;
  cancel_requested: boolean;
  attributes: Attributes | null;
  forked_from: string | null;
  outcome: OutcomeKind | null;
  created_ms: number;
  deadline_ms: number | null;
  finished_ms: number | null;
}

export function toRunRecord(row: RunRow): RunRecord {
  return {
    workflowId: row.workflow_id,
    name: row.name,
    version: row.version,
    status: row.outcome ?? statusOf(row.state, row.item_state),
    context: row.context,
    parentId: row.parent_id,
    queue: row.queue,
    executorId: row.executor_id,
    attempt: row.attempt,
    crashes: row.crash_log ?? [],
    createdAt: readMs(row.created_ms),
    deadlineAt: readMsOrNull(row.deadline_ms),
    finishedAt: readMsOrNull(row.finished_ms),
    cancelRequested: row.cancel_requested,
    attributes: row.attributes ?? {},
    forkedFrom: row.forked_from,
    blockedReason: row.state === 'blocked' ? row.blocked_reason : null,
  };
}

function statusOf(state: RunState, itemState: string | null): RunStatus {
  switch (state) {
    case 'owned':
    case 'parked':
      return 'running';
    case 'available':
      return 'enqueued';
    case 'queued':
      return itemState === 'delayed' ? 'delayed' : 'enqueued';
    case 'blocked':
      return 'blocked';
    case 'settled':
      // Only ever together with an outcome row, which the caller has looked at first.
      return 'cancelled';
  }
}
