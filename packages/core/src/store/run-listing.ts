import type { Database, Parameter } from '../database/database.js';
import type { EpochMs } from '../seams/clock.js';
import type { RunRecord, RunStatus } from './records.js';
import { runRecordColumns, runRecordSource, type RunRow, statusColumn, toRunRecord } from './run-records.js';
import { fromMs, readMs, readMsOrNull, toMs } from './sql.js';

/** Which runs; each of what is given must hold. */
export interface RunConditions {
  readonly ids?: readonly string[];
  readonly idPrefix?: string;
  readonly names?: readonly string[];
  readonly exceptNames?: readonly string[];
  readonly versions?: readonly string[];
  readonly statuses?: readonly RunStatus[];
  readonly queues?: readonly string[];
  readonly executorIds?: readonly string[];
  readonly parentIds?: readonly string[];
  readonly hasParent?: boolean;
  readonly forkedFrom?: readonly string[];
  readonly createdFrom?: EpochMs;
  readonly createdBefore?: EpochMs;
  readonly finishedFrom?: EpochMs;
  readonly finishedBefore?: EpochMs;
  /** As JSON; runs that have all of them. */
  readonly attributes?: string;
}

/** The place of a run in the order of lists, of which two runs have different ones. */
export interface ListPlace {
  readonly createdAtUs: number; // microseconds, which is what the database counts in
  readonly workflowId: string;
}

export type ListedRun = RunRecord & { readonly place: ListPlace };

/** What runs are counted by. */
export type RunGrouping = 'status' | 'name' | 'queue' | 'version' | 'createdAt';

export interface RunGroup {
  readonly status?: RunStatus;
  readonly name?: string;
  readonly queue?: string | null; // null = none
  readonly version?: string;
  /** The beginning of the stretch of time. */
  readonly createdAt?: EpochMs;
  readonly count: number;
  /** When the first one and the last one were made. */
  readonly firstAt: EpochMs;
  readonly lastAt: EpochMs;
  /** From the start to the outcome, of the run that took the longest; null = none has ended. */
  readonly longestMs: number | null;
}

export interface RunListingStore {
  /** Runs in the order of their making, from a place on. */
  list(params: {
    readonly where: RunConditions;
    readonly order: 'newest' | 'oldest';
    readonly after: ListPlace | null;
    readonly max: number;
  }): Promise<ListedRun[]>;
  /** Counts runs. `bucketMs` is for the grouping `createdAt`. */
  count(params: {
    readonly where: RunConditions;
    readonly by: readonly RunGrouping[];
    readonly bucketMs: number;
  }): Promise<RunGroup[]>;
}

export function createRunListingStore(
  database: Database,
  schema: string,
  statementName: (name: string) => string,
): RunListingStore {
  return {
    async list({ where, order, after, max }) {
      const { source, sql, shape, values, withoutJit } = conditionsText(schema, where, after === null ? 1 : 3);
      const [createdAt, workflowId] = areUnsuccessful(where)
        ? ['o.created_at', 'o.workflow_id']
        : ['r.created_at', 'r.workflow_id'];
      const [comparison, direction] = order === 'newest' ? ['<', 'desc'] : ['>', 'asc'];
      const begin = after === null ? 'first' : 'next';
      const limit = pageSizes.find((size) => size >= max) ?? max;
      const rows = await database.query<ListedRow>({
        name: statementName(`run_listing_list_${order}_${begin}_${limit}${shape}`),
        text: `
          select ${runRecordColumns}, (extract(epoch from r.created_at) * 1000000)::float8 as created_us
          from ${source}
          where ${after === null ? 'true' : `(${createdAt}, ${workflowId}) ${comparison} (timestamptz 'epoch' + $1::int8 * interval '1 microsecond', $2::text)`}
            ${sql}
          order by ${createdAt} ${direction}, ${workflowId} ${direction} limit ${limit}`,
        values: [...(after === null ? [] : [after.createdAtUs, after.workflowId]), ...values],
        withoutJit,
      });
      return rows.slice(0, max).map((row) => ({
        ...toRunRecord(row),
        place: { createdAtUs: Number(row.created_us), workflowId: row.workflow_id },
      }));
    },

    async count({ where, by, bucketMs }) {
      const { source, sql, shape, values, withoutJit } = conditionsText(schema, where, 2);
      const groups = by.map((grouping) => `${groupings[grouping]} as "${grouping}"`);
      const groupedBy = by.map((grouping) => `_${grouping}`).join('');
      const rows = await database.query<GroupRow>({
        name: statementName(`run_listing_count${groupedBy}_where${shape}`),
        text: `
          select ${[...groups, ''].join(', ')} count(*)::float8 as count,
            ${toMs('min(r.created_at)')} as first_ms, ${toMs('max(r.created_at)')} as last_ms,
            max(${toMs('o.finished_at - r.created_at')}) as longest_ms
          from ${source}
          where $1::int8 > 0 ${sql}
          ${by.length === 0 ? 'having count(*) > 0' : groupingText(by)}`,
        values: [bucketMs, ...values],
        withoutJit,
      });
      return rows.map(({ first_ms, last_ms, longest_ms, count, createdAt, ...group }) => ({
        ...(group as Pick<RunGroup, 'status' | 'name' | 'queue' | 'version'>),
        ...(createdAt === undefined ? {} : { createdAt: readMs(createdAt) }),
        count: Number(count),
        firstAt: readMs(first_ms),
        lastAt: readMs(last_ms),
        longestMs: readMsOrNull(longest_ms),
      }));
    },
  };
}

/**
 * How many runs are asked for, in the text of the statement: without that, the planner does not know that they are few, and
 * plans anew each time. Pages have one run more, which tells whether there is a next one.
 */
const pageSizes = [2, 6, 11, 21, 51, 101, 201, 501, 1_001];

const groupings: Record<RunGrouping, string> = {
  status: statusColumn,
  name: 'r.name',
  queue: 'r.queue',
  version: 'r.version',
  createdAt: `floor(${toMs('r.created_at')} / $1::int8) * $1::int8`,
};

interface Condition<V> {
  readonly sql: (parameter: string, schema: string) => string;
  readonly value: (given: V) => Parameter;
}

const oneOf = (column: string, type: 'text' | 'uuid' = 'text'): Condition<readonly string[]> => ({
  sql: (parameter) => `${column} = any(${parameter}::${type}[])`,
  value: (values) => ({ arrayOf: type, values }),
});

const moment = (column: string, comparison: '>=' | '<'): Condition<EpochMs> => ({
  sql: (parameter) => `${column} ${comparison} ${fromMs(`${parameter}::int8`)}`,
  value: (at) => at,
});

const conditions: {
  readonly [K in Exclude<keyof RunConditions, 'statuses'>]-?: Condition<NonNullable<RunConditions[K]>>;
} = {
  ids: oneOf('r.workflow_id'),
  idPrefix: { sql: (parameter) => `starts_with(r.workflow_id, ${parameter}::text)`, value: (prefix) => prefix },
  names: oneOf('r.name'),
  exceptNames: {
    sql: (parameter) => `r.name <> all(${parameter}::text[])`,
    value: (names) => ({ arrayOf: 'text', values: names }),
  },
  versions: oneOf('r.version'),
  queues: oneOf('r.queue'),
  executorIds: oneOf('r.executor_id', 'uuid'),
  parentIds: oneOf('r.parent_id'),
  hasParent: { sql: (parameter) => `(r.parent_id is not null) = ${parameter}::bool`, value: (has) => has },
  forkedFrom: oneOf('r.forked_from'),
  createdFrom: moment('r.created_at', '>='),
  createdBefore: moment('r.created_at', '<'),
  finishedFrom: moment('o.finished_at', '>='),
  finishedBefore: moment('o.finished_at', '<'),
  attributes: { sql: (parameter) => `r.attributes @> ${parameter}::jsonb`, value: (attributes) => attributes },
};

const endings = ['completed', 'failed', 'cancelled', 'dead'] as const satisfies readonly RunStatus[];
const ended: ReadonlySet<RunStatus> = new Set<RunStatus>(endings);
const waiting: ReadonlySet<RunStatus> = new Set<RunStatus>(['enqueued', 'delayed', 'blocked']);
const waitingStates = `'available', 'parked', 'queued', 'blocked'`;

type StatusKind = 'ended' | OpenKind;
type OpenKind = 'waiting' | 'unfinished' | 'any';

/** Where finished runs are many and those of a status few, an index finds these. */
const statusConditions: Record<OpenKind, string> = {
  waiting: ` and o.kind is null and r.state in (${waitingStates})`,
  unfinished: ` and o.kind is null`,
  any: '',
};

/** Far more than an executor has open, so that the planner reads them from their index. */
const ownedMax = 100_000;

/**
 * The runs that have not ended: those that wait, and of what executors own what comes after the oldest claim that they have
 * open. The array and the offset keep the planner from walking through all runs in the order that is asked for.
 */
const unfinishedRuns = (schema: string): string => `(
    select u.* from ${schema}.runs u where u.workflow_id = any(array(
      select w.workflow_id from ${schema}.runs w where w.state in (${waitingStates})
      union all
      select w.workflow_id from ${schema}.executors e left join ${schema}.leases l on l.executor_id = e.id
      cross join lateral (
        select w.workflow_id from ${schema}.runs w
        where w.executor_id = e.id and w.claim_no >= greatest(e.oldest_claim_no, l.oldest_claim_no) and w.state = 'owned'
        order by w.claim_no desc limit ${ownedMax}
      ) w
    )) offset 0
  )`;

/** These have an index in the order of lists. */
function areUnsuccessful({ statuses = [] }: RunConditions): boolean {
  return statuses.length > 0 && statuses.every((status) => status !== 'completed' && ended.has(status));
}

/** Stretches of time in their order, and everything else by how many there are. */
function groupingText(by: readonly RunGrouping[]): string {
  const places = by.map((_, index) => index + 1);
  const times = places.filter((place) => by[place - 1] === 'createdAt');
  return `group by ${places.join(', ')} order by ${[...times, 'count(*) desc', ...places].join(', ')}`;
}

function statusKind(statuses: readonly RunStatus[]): StatusKind {
  if (statuses.every((status) => ended.has(status))) return 'ended';
  if (statuses.every((status) => waiting.has(status))) return 'waiting';
  return statuses.every((status) => waiting.has(status) || status === 'running') ? 'unfinished' : 'any';
}

interface Conditions {
  readonly source: string;
  readonly sql: string;
  readonly shape: string;
  readonly values: readonly Parameter[];
  readonly withoutJit: boolean;
}

/** A text for each combination of conditions, so that each can be planned for itself. */
function conditionsText(schema: string, where: RunConditions, firstParameter: number): Conditions {
  let source = runRecordSource(schema);
  let withoutJit = false;
  let sql = '';
  let shape = '';
  const values: Parameter[] = [];
  const add = (name: string, condition: (parameter: string) => string, value: Parameter): void => {
    sql += ` and ${condition(`$${firstParameter + values.length}`)}`;
    shape += `_${name}`;
    values.push(value);
  };
  for (const name of Object.keys(conditions) as (keyof typeof conditions)[]) {
    const given = where[name];
    if (given === undefined) continue;
    const condition = conditions[name] as Condition<unknown>;
    add(name, (parameter) => condition.sql(parameter, schema), condition.value(given));
  }
  if (where.statuses !== undefined) {
    const { statuses } = where;
    const kind = statusKind(statuses);
    if (kind === 'ended') {
      // By name, so that the planner knows how many there are of them, and which index has them.
      const named = endings.filter((ending) => statuses.includes(ending));
      sql += named.length === 0 ? ' and false' : ` and o.kind in (${named.map((name) => `'${name}'`).join()})`;
      shape += `_${['ended', ...named].join('_')}`;
    } else {
      if (kind === 'unfinished') {
        source = runRecordSource(schema, unfinishedRuns(schema));
        withoutJit = true;
      }
      add(`statuses_${kind}`, (parameter) => `${statusColumn} = any(${parameter}::text[])${statusConditions[kind]}`, {
        arrayOf: 'text',
        values: statuses,
      });
    }
  }
  return { source, sql, shape, values, withoutJit };
}

interface ListedRow extends RunRow {
  created_us: number;
}

interface GroupRow extends Record<string, unknown> {
  createdAt?: number;
  count: number;
  first_ms: number;
  last_ms: number;
  longest_ms: number | null;
}
