import type { Database } from '../database/database.js';
import type { EpochMs } from '../seams/clock.js';
import type { StoredSettings } from '../queue/queue-settings.js';
import type { OutcomeKind, RunState } from './records.js';
import { isInterrupted } from './run-columns.js';
import { now, readMs, readMsOrNull, toMs } from './sql.js';
import { liveParts } from './versions.js';

/** Whoever has a run, or had it last. */
export interface Holder {
  readonly workflowId: string;
  readonly executorId: string | null; // null = none
  /** The host and the process; null = it is gone. */
  readonly label: string | null;
  readonly isAlive: boolean;
}

/** What decides whether a run gets on. */
export interface RunFacts {
  readonly now: EpochMs;
  readonly name: string;
  readonly version: string;
  readonly state: RunState;
  readonly outcome: OutcomeKind | null;
  readonly outcomePayload: string | null;
  readonly finishedAt: EpochMs | null;
  /** Whether its code was told that it was cancelled, or late: it cannot go on where it was. */
  readonly isInterrupted: boolean;
  readonly createdAt: EpochMs;
  readonly deadlineAt: EpochMs | null;
  readonly attempt: number;
  readonly crashes: number;
  readonly cancelRequestedAt: EpochMs | null;
  /** From when on it may be taken, or is to be woken. */
  readonly availableAt: EpochMs | null;
  readonly wakeOn: readonly string[] | null;
  readonly blockedAt: EpochMs | null;
  readonly blockedReason: string | null;
  readonly owner: Holder;
  readonly leaseUntil: EpochMs | null;
  /** How many executors live. */
  readonly executors: number;
  /** How many of them have the code for it. */
  readonly executorsWithCode: number;
  /** Which versions of its workflow the living have. */
  readonly servedVersions: readonly string[];
  /** The version that alone takes what was started by name; null = any, or it has a version. */
  readonly promotedVersion: string | null;
  readonly item: ItemFacts | null; // null = it is in no queue
}

export interface ItemFacts {
  readonly queue: string;
  readonly key: string;
  readonly state: 'delayed' | 'waiting' | 'running' | 'blocked' | 'dead';
  readonly units: number;
  readonly enqueuedAt: EpochMs;
  readonly runAt: EpochMs;
}

/** What decides whether a queue lets an item begin. */
export interface LineFacts {
  /** Null = nobody has declared the queue. */
  readonly settings: StoredSettings | null;
  readonly pausedAt: EpochMs | null;
  readonly running: number;
  readonly runningWithKey: number;
  /** Of those that run, some. */
  readonly holders: readonly Holder[];
  readonly holdersOfKey: readonly Holder[];
  /** How many are before it in line, by level, rank and place alone, that some living executor has the code of. */
  readonly ahead: number;
  /** The next run with its key, whoever has its code; null = it is that itself. */
  readonly headOfKeyId: string | null;
  /** When the windows of the rates have room for it; null = now. */
  readonly opensAt: EpochMs | null;
  readonly keyOpensAt: EpochMs | null;
}

export interface ExplanationStore {
  findRun(workflowId: string, now: EpochMs | null): Promise<RunFacts | null>;
  findLine(workflowId: string, now: EpochMs | null): Promise<LineFacts | null>;
}

export function createExplanationStore(
  database: Database,
  schema: string,
  statementName: (name: string) => string,
): ExplanationStore {
  return {
    async findRun(workflowId, at) {
      const [row] = await database.query<FactsRow>({
        name: statementName('explanations_find_run'),
        text: `
          with ${liveParts(schema, '$2::int8')}
          select r.name, r.version, r.state, r.attempt, r.crashes, r.wake_on, r.blocked_reason, o.kind as outcome,
            o.payload as outcome_payload, e.label, l.lease_until >= clock.now as is_alive,
            r.executor_id::text as executor_id, (select count(*)::int4 from ${schema}.leases where lease_until >= clock.now) as executors,
            i.queue, i.key, i.state as item_state, i.units, promoted.version as promoted,
            ${isInterrupted(schema, 'r')} as is_interrupted,
            array(select live.version from live where live.workflow = r.name order by 1) as served,
            (select count(distinct s.executor_id)::int4 from ${schema}.served s
              join ${schema}.leases sl on sl.executor_id = s.executor_id and sl.lease_until >= clock.now
              where s.workflow = r.name and (s.version = r.version or r.version = '' and s.version = coalesce(promoted.version, s.version))
            ) as with_code,
            ${moments.map(([name, expression]) => `${toMs(expression)} as ${name}`).join(', ')}
          from ${schema}.runs r cross join (select ${now('$2::int8')} as now) clock
          left join ${schema}.outcomes o on o.workflow_id = r.workflow_id
          left join ${schema}.executors e on e.id = r.executor_id
          left join ${schema}.leases l on l.executor_id = r.executor_id
          left join ${schema}.queue_items i on i.workflow_id = r.workflow_id
          left join lateral (select ${schema}.promoted_version(r.name) as version where r.version = '') promoted on true
          where r.workflow_id = $1::text`,
        values: [workflowId, at],
      });
      return row === undefined ? null : toFacts(workflowId, row);
    },

    async findLine(workflowId, at) {
      const [row] = await database.query<LineRow>({
        name: statementName('explanations_find_line'),
        text: lineText(schema),
        values: [workflowId, at],
      });
      if (row === undefined) return null;
      return {
        settings: row.settings === null ? null : (JSON.parse(row.settings) as StoredSettings),
        pausedAt: readMsOrNull(row.paused_ms),
        running: row.running,
        runningWithKey: row.running_with_key,
        holders: JSON.parse(row.holders) as Holder[],
        holdersOfKey: JSON.parse(row.holders_of_key) as Holder[],
        ahead: row.ahead,
        headOfKeyId: row.head_of_key,
        opensAt: readMsOrNull(row.opens_ms),
        keyOpensAt: readMsOrNull(row.key_opens_ms),
      };
    },
  };
}

const moments = [
  ['now_ms', 'clock.now'],
  ['finished_ms', 'o.finished_at'],
  ['created_ms', 'r.created_at'],
  ['deadline_ms', 'r.deadline_at'],
  ['cancel_ms', 'r.cancel_requested_at'],
  ['available_ms', 'r.available_at'],
  ['blocked_ms', 'r.blocked_at'],
  ['lease_ms', 'l.lease_until'],
  ['enqueued_ms', 'i.enqueued_at'],
  ['run_ms', 'i.run_at'],
] as const;

const holdersMax = 5;

const isAhead = `a.queue = item.queue and a.state = 'waiting' and (a.level, a.rank, a.place) < (item.level, item.rank, item.place)`;

const lineText = (schema: string): string => `
  with ${liveParts(schema, '$2::int8')}, clock as materialized (
    select ${now('$2::int8')} as now
  ), item as materialized (
    select i.*, jsonb_strip_nulls(q.declared || q.changed) as settings, q.paused_at
    from ${schema}.queue_items i left join ${schema}.queues q on q.name = i.queue where i.workflow_id = $1::text
  ), holders as materialized (
    select i.workflow_id as "workflowId", i.executor_id::text as "executorId", e.label,
      coalesce(l.lease_until >= clock.now, false) as "isAlive", i.key, i.place
    from item join ${schema}.queue_items i on i.queue = item.queue and i.state = 'running' cross join clock
    left join ${schema}.executors e on e.id = i.executor_id
    left join ${schema}.leases l on l.executor_id = i.executor_id
  )
  select item.settings::text as settings, ${toMs('item.paused_at')} as paused_ms,
    (select count(*)::int4 from holders) as running,
    (select count(*)::int4 from holders h where h.key = item.key) as running_with_key,
    (select coalesce(json_agg(to_json(h)), '[]') from (
      select h."workflowId", h."executorId", h.label, h."isAlive" from holders h order by h.place limit ${holdersMax}
    ) h)::text as holders,
    (select coalesce(json_agg(to_json(h)), '[]') from (
      select h."workflowId", h."executorId", h.label, h."isAlive" from holders h where h.key = item.key
      order by h.place limit ${holdersMax}
    ) h)::text as holders_of_key,
    (select count(*)::int4 from ${schema}.queue_items a
      where ${isAhead} and exists (
        select 1 from live where live.workflow = a.name and (
          live.version = a.version or a.version = '' and live.version = coalesce(${schema}.promoted_version(a.name), live.version)
        )
      )
    ) as ahead,
    (select a.workflow_id from ${schema}.queue_items a where ${isAhead} and a.key = item.key and a.level = item.level
      order by a.rank, a.place limit 1
    ) as head_of_key,
    ${toMs(opensAt(schema, 'rateUnits', 'ratePeriodMs', ''))} as opens_ms,
    ${toMs(opensAt(schema, 'keyRateUnits', 'keyRatePeriodMs', 'and a.key = item.key'))} as key_opens_ms
  from item cross join clock`;

/** When so many units have left a rate's window that the item has room in it; null = it has, or there is no such limit. */
const opensAt = (schema: string, limit: string, period: string, condition: string): string => `(
  select min(a.at) + (item.settings ->> '${period}')::float8 * interval '1 millisecond'
  from (
    select a.at, sum(a.units) over (order by a.at, a.units) as leaving, sum(a.units) over () as used
    from ${schema}.queue_admissions a
    where a.queue = item.queue ${condition}
      and a.at > clock.now - (item.settings ->> '${period}')::float8 * interval '1 millisecond'
  ) a
  where a.used + least(item.units, (item.settings ->> '${limit}')::int8) > (item.settings ->> '${limit}')::int8
    and a.leaving >= a.used + least(item.units, (item.settings ->> '${limit}')::int8) - (item.settings ->> '${limit}')::int8
)`;

function toFacts(workflowId: string, row: FactsRow): RunFacts {
  const { executor_id: executorId, label, queue } = row;
  return {
    now: readMs(row.now_ms),
    name: row.name,
    version: row.version,
    state: row.state,
    outcome: row.outcome,
    outcomePayload: row.outcome_payload,
    finishedAt: readMsOrNull(row.finished_ms),
    isInterrupted: row.is_interrupted,
    createdAt: readMs(row.created_ms),
    deadlineAt: readMsOrNull(row.deadline_ms),
    attempt: row.attempt,
    crashes: row.crashes,
    cancelRequestedAt: readMsOrNull(row.cancel_ms),
    availableAt: readMsOrNull(row.available_ms),
    wakeOn: row.wake_on,
    blockedAt: readMsOrNull(row.blocked_ms),
    blockedReason: row.blocked_reason,
    owner: { workflowId, executorId, label, isAlive: row.is_alive === true },
    leaseUntil: readMsOrNull(row.lease_ms),
    executors: row.executors,
    executorsWithCode: row.with_code,
    servedVersions: row.served,
    promotedVersion: row.promoted,
    item:
      queue === null
        ? null
        : {
            queue,
            key: row.key,
            state: row.item_state,
            units: row.units,
            enqueuedAt: readMs(row.enqueued_ms),
            runAt: readMs(row.run_ms),
          },
  };
}

type Moments = Record<(typeof moments)[number][0], number | null>;

interface FactsRow extends Moments, Record<string, unknown> {
  name: string;
  version: string;
  state: RunState;
  attempt: number;
  crashes: number;
  wake_on: string[] | null;
  blocked_reason: string | null;
  outcome: OutcomeKind | null;
  outcome_payload: string | null;
  is_interrupted: boolean;
  label: string | null;
  is_alive: boolean | null;
  executor_id: string | null;
  executors: number;
  with_code: number;
  served: string[];
  promoted: string | null;
  queue: string | null;
  key: string;
  item_state: ItemFacts['state'];
  units: number;
}

interface LineRow extends Record<string, unknown> {
  settings: string | null;
  paused_ms: number | null;
  running: number;
  running_with_key: number;
  holders: string;
  holders_of_key: string;
  ahead: number;
  head_of_key: string | null;
  opens_ms: number | null;
  key_opens_ms: number | null;
}
