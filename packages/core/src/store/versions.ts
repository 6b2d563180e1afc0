import type { Database } from '../database/database.js';
import type { EpochMs } from '../seams/clock.js';
import { now, readMs, toMs } from './sql.js';

export interface ServedVersion {
  readonly name: string;
  readonly version: string;
}

/** So many versions of a workflow are remembered, besides those that are in use. */
const rememberedMax = 100;

/** How many runs of one version are counted, and how far each queue is looked into. */
const countedMax = 10_000;
const queueHeadMax = 1_000;
const namedMax = 10;

/** A version of a workflow. */
export interface VersionRecord {
  readonly workflow: string;
  readonly version: string;
  readonly firstSeenAt: EpochMs;
  /** Whether it takes what is started by name alone. */
  readonly isPromoted: boolean;
  /** How many living executors have its code. */
  readonly executors: number;
  /** How many of its runs execute, and how many wait; of each kind of waiting at most {@link countedMax}. */
  readonly running: number;
  readonly waiting: number;
}

/** Runs that no living executor has the code of. */
export interface StrandedRecord {
  readonly workflow: string;
  /** '' = any version, or the promoted one. */
  readonly version: string;
  /** The version that takes what was started by name alone; null = any. */
  readonly promoted: string | null;
  /** At most {@link countedMax}. */
  readonly runs: number;
  /** The first ones by their ids. */
  readonly workflowIds: readonly string[];
}

export interface VersionStore {
  /**
   * Says what an executor has the code of, in place of what it said before; not once its lease was revoked. Of the workflows that
   * it has, versions are forgotten that are older than the last {@link rememberedMax}, that no executor has, and no run waits for.
   */
  serve(params: {
    readonly executorId: string;
    readonly served: readonly ServedVersion[];
    readonly now: EpochMs | null; // null = the database's clock
  }): Promise<void>;
  /** The promoted versions, by workflow. */
  promoted(): Promise<ReadonlyMap<string, string>>;
  list(params: { readonly workflow: string | null; readonly now: EpochMs | null }): Promise<VersionRecord[]>; // null = of all
  /** Lets a version take new work; false if no executor ever had it. Nothing changes if it does already. */
  promote(params: {
    readonly workflow: string;
    readonly version: string;
    readonly now: EpochMs | null;
  }): Promise<boolean>;
  /** Takes back the promotion of a version, if it is the one in force. */
  demote(params: { readonly workflow: string; readonly version: string }): Promise<void>;
  stranded(now: EpochMs | null): Promise<StrandedRecord[]>;
}

/** Of the runs that nobody owns and that are in no line: what `runs_waiting` is an index of. */
export const waitingStates = `state in ('available', 'parked', 'blocked')`;

/** A CTE, in a `with recursive`: the names and versions that waiting runs have. It reads one row for each. */
export const waitingPairs = (schema: string): string => `
  pairs as (
    (select r.name, r.version from ${schema}.runs r where r.${waitingStates} order by r.name, r.version limit 1)
    union all
    select next.name, next.version from pairs cross join lateral (
      select r.name, r.version from ${schema}.runs r
      where r.${waitingStates} and (r.name, r.version) > (pairs.name, pairs.version)
      order by r.name, r.version limit 1
    ) next
  )`;

export function createVersionStore(
  database: Database,
  schema: string,
  statementName: (name: string) => string,
): VersionStore {
  return {
    async serve({ executorId, served, now: at }) {
      await database.query({
        name: statementName('versions_serve'),
        text: serveText(schema),
        values: [
          executorId,
          { arrayOf: 'text', values: served.map(({ name }) => name) },
          { arrayOf: 'text', values: served.map(({ version }) => version) },
          at,
        ],
      });
    },

    async promoted() {
      const rows = await database.query<{ workflow: string; version: string }>({
        name: statementName('versions_promoted'),
        text: `
          select distinct on (workflow) workflow, version from ${schema}.versions
          where promoted_at is not null order by workflow, promoted_at desc`,
        values: [],
      });
      return new Map(rows.map(({ workflow, version }) => [workflow, version]));
    },

    async list({ workflow, now: at }) {
      const rows = await database.query<VersionRow>({
        name: statementName('versions_list'),
        text: listText(schema),
        values: [workflow, at],
        withoutJit: true,
      });
      return rows.map((row) => ({
        workflow: row.workflow,
        version: row.version,
        firstSeenAt: readMs(row.first_seen_ms),
        isPromoted: row.is_promoted,
        executors: Number(row.executors),
        running: Number(row.running),
        waiting: Number(row.waiting),
      }));
    },

    async promote({ workflow, version, now: at }) {
      const rows = await database.query({
        name: statementName('versions_promote'),
        text: promoteText(schema),
        values: [workflow, version, at],
      });
      return rows.length > 0;
    },

    async demote({ workflow, version }) {
      await database.query({
        name: statementName('versions_demote'),
        text: `
          update ${schema}.versions v set promoted_at = null
          where v.workflow = $1::text and v.version = $2::text and ${schema}.promoted_version($1::text) = $2::text`,
        values: [workflow, version],
      });
    },

    async stranded(at) {
      const rows = await database.query<StrandedRow>({
        name: statementName('versions_stranded'),
        text: strandedText(schema),
        values: [at],
        withoutJit: true,
      });
      return rows.map((row) => ({
        workflow: row.name,
        version: row.version,
        promoted: row.promoted,
        runs: Number(row.runs),
        workflowIds: row.workflow_ids,
      }));
    },
  };
}

/** Rows go in in one order, so that executors that are launched together don't wait for each other in a circle. */
const serveText = (schema: string): string => `
  with fence as materialized (
    select id from ${schema}.executors where id = $1::uuid and revoked_at is null for key share
  ), given as materialized (
    select * from unnest($2::text[], $3::text[]) as item(workflow, version)
  ), seen as (
    insert into ${schema}.versions (workflow, version, first_seen_at)
    select given.workflow, given.version, ${now('$4::int8')} from given cross join fence order by 1, 2
    on conflict do nothing
  ), gone as (
    delete from ${schema}.served s using fence
    where s.executor_id = fence.id and (s.workflow, s.version) not in (select workflow, version from given)
  ), old as materialized (
    select v.workflow, v.version from fence cross join (select distinct workflow from given) of cross join lateral (
      select v.workflow, v.version from ${schema}.versions v
      where v.workflow = of.workflow and (v.workflow, v.version) not in (select workflow, version from given)
      order by greatest(v.first_seen_at, v.promoted_at) desc, v.version offset ${rememberedMax}
    ) beyond
    join ${schema}.versions v on v.workflow = beyond.workflow and v.version = beyond.version
    where not exists (select 1 from ${schema}.served s where s.workflow = v.workflow and s.version = v.version)
      and not exists (
        select 1 from ${schema}.runs r where r.${waitingStates} and r.name = v.workflow and r.version = v.version
      )
    for update of v skip locked
  ), forgotten as (
    delete from ${schema}.versions v using old where v.workflow = old.workflow and v.version = old.version
  )
  insert into ${schema}.served (workflow, version, executor_id)
  select given.workflow, given.version, fence.id from given cross join fence
  on conflict do nothing`;

/** The version that is promoted already stays so since when it was. */
const promoteText = (schema: string): string => `
  with chosen as materialized (
    select v.workflow, v.version, coalesce(${schema}.promoted_version($1::text) = v.version, false) as is_promoted
    from ${schema}.versions v where v.workflow = $1::text and v.version = $2::text for update
  ), promoted as (
    update ${schema}.versions v
    set promoted_at = greatest(${now('$3::int8')}, (
      select max(promoted_at) + interval '1 microsecond' from ${schema}.versions where workflow = $1::text
    ))
    from chosen where v.workflow = chosen.workflow and v.version = chosen.version and not chosen.is_promoted
  )
  select workflow from chosen`;

/** A CTE: what living executors have the code of. */
export const liveParts = (schema: string, at: string): string => `
  live as materialized (
    select s.workflow, s.version, count(*) as executors
    from ${schema}.served s join ${schema}.leases l on l.executor_id = s.executor_id
    where l.lease_until >= ${now(at)} group by s.workflow, s.version
  )`;

/** How many runs outside queues wait with a name and a version, as a FROM item, and the ids of the first. */
const waitingRuns = (
  schema: string,
  { name, version }: { readonly name: string; readonly version: string },
): string => `
  lateral (
    select count(*) as runs, (array_agg(chosen.workflow_id order by chosen.workflow_id))[1:${namedMax}] as workflow_ids
    from (
      select r.workflow_id from ${schema}.runs r
      where r.${waitingStates} and r.name = ${name} and r.version = ${version} order by r.workflow_id limit ${countedMax}
    ) chosen
  )`;

const listText = (schema: string): string => `
  with ${liveParts(schema, '$2::int8')}, running as materialized (
    select r.name, r.version, count(*) as runs
    from ${schema}.executors e
    left join ${schema}.leases l on l.executor_id = e.id
    join ${schema}.runs r on r.executor_id = e.id and r.state = 'owned'
      and r.claim_no >= greatest(e.oldest_claim_no, l.oldest_claim_no)
    where ($1::text is null or r.name = $1::text)
      and not exists (select 1 from ${schema}.outcomes o where o.workflow_id = r.workflow_id)
    group by r.name, r.version
  ), queued as materialized (
    select r.name, r.version, count(*) as runs
    from ${schema}.queues q cross join lateral (
      select i.workflow_id from ${schema}.queue_items i
      where i.queue = q.name and i.state in ('waiting', 'delayed') limit ${countedMax}
    ) i
    join ${schema}.runs r on r.workflow_id = i.workflow_id
    where $1::text is null or r.name = $1::text
    group by r.name, r.version
  )
  select v.workflow, v.version, ${toMs('v.first_seen_at')} as first_seen_ms,
    coalesce(v.version = ${schema}.promoted_version(v.workflow), false) as is_promoted,
    coalesce(live.executors, 0)::float8 as executors, coalesce(running.runs, 0)::float8 as running,
    (waiting.runs + coalesce(queued.runs, 0))::float8 as waiting
  from ${schema}.versions v
  left join live on live.workflow = v.workflow and live.version = v.version
  left join running on running.name = v.workflow and running.version = v.version
  left join queued on queued.name = v.workflow and queued.version = v.version
  cross join ${waitingRuns(schema, { name: 'v.workflow', version: 'v.version' })} waiting
  where $1::text is null or v.workflow = $1::text
  order by v.workflow, v.first_seen_at desc, v.version`;

/**
 * In a queue, what nobody has the code of comes to its head, because all others pass it: there it is looked for, and not
 * behind.
 */
const strandedText = (schema: string): string => `
  with recursive ${liveParts(schema, '$1::int8')}, ${waitingPairs(schema)}, heads as materialized (
    select r.name, r.version, count(*) as runs,
      (array_agg(r.workflow_id order by r.workflow_id))[1:${namedMax}] as workflow_ids
    from ${schema}.queues q cross join lateral (
      select i.workflow_id from ${schema}.queue_items i where i.queue = q.name and i.state = 'waiting'
      order by i.level, i.rank, i.place limit ${queueHeadMax}
    ) i
    join ${schema}.runs r on r.workflow_id = i.workflow_id
    group by r.name, r.version
  ), known as materialized (
    select pairs.name, pairs.version from pairs union select heads.name, heads.version from heads
  ), stranded as materialized (
    select known.name, known.version, promoted.version as promoted
    from known
    left join lateral (
      select ${schema}.promoted_version(known.name) as version where known.version = ''
    ) promoted on true
    where not exists (
      select 1 from live where live.workflow = known.name and (
        live.version = known.version or known.version = '' and live.version = coalesce(promoted.version, live.version)
      )
    )
  )
  select s.name, s.version, s.promoted, (waiting.runs + coalesce(heads.runs, 0))::float8 as runs,
    (coalesce(waiting.workflow_ids, '{}') || coalesce(heads.workflow_ids, '{}'))[1:${namedMax}] as workflow_ids
  from stranded s
  left join heads on heads.name = s.name and heads.version = s.version
  cross join ${waitingRuns(schema, { name: 's.name', version: 's.version' })} waiting
  order by s.name, s.version`;

interface VersionRow extends Record<string, unknown> {
  workflow: string;
  version: string;
  first_seen_ms: number;
  is_promoted: boolean;
  executors: number;
  running: number;
  waiting: number;
}

interface StrandedRow extends Record<string, unknown> {
  name: string;
  version: string;
  promoted: string | null;
  runs: number;
  workflow_ids: string[];
}
