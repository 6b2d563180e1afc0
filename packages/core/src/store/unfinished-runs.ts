import type { Database } from '../database/database.js';
import type { ClaimedRun } from './records.js';
import { claimedColumns, type ClaimedRow, toClaimedRun } from './claims.js';
import { waitingStates } from './versions.js';

/** A run that has not ended. */
export interface UnfinishedRun {
  readonly workflowId: string;
  readonly name: string;
  readonly version: string; // '' = that of the first process to take it
  /** Whether nobody executes it. */
  readonly isWaiting: boolean;
  /** The size of its input and its history. */
  readonly bytes: number;
  /** The place of the last entry of its history; -1 = it has none. */
  readonly lastPosition: number;
}

export interface UnfinishedPage {
  readonly runs: readonly UnfinishedRun[];
  /** Where the next page goes on; null = this was the last. */
  readonly next: PageStart | null;
}

/** A place among the unfinished runs: which kind of them, and behind which one. */
export interface PageStart {
  readonly kind: 'waiting' | 'queued' | 'owned';
  readonly after: readonly string[];
}

export const firstPage: PageStart = { kind: 'waiting', after: ['', '', ''] };

/** A run that goes over to another version. */
export interface Adoption {
  readonly workflowId: string;
  readonly from: string;
  readonly to: string;
  /** Where its history ended when it was looked at. */
  readonly lastPosition: number;
}

export interface UnfinishedRunStore {
  /**
   * The runs that have not ended, page by page. Each is there that stays where it is meanwhile; one that is taken or put
   * aside while the pages are read may be missing, or there twice: who has to know of all reads them again.
   *
   * @param versions only runs with these names and versions; null = all
   */
  page(params: {
    readonly start: PageStart;
    readonly versions: readonly { readonly name: string; readonly version: string }[] | null;
    readonly max: number;
  }): Promise<UnfinishedPage>;
  /** What there is of these runs, by id. */
  load(workflowIds: readonly string[]): Promise<ReadonlyMap<string, ClaimedRun>>;
  /** Lets another version go on with runs that nobody executes, and whose history is still what it was. Answers with their ids. */
  adopt(adoptions: readonly Adoption[]): Promise<string[]>;
}

export function createUnfinishedRunStore(
  database: Database,
  schema: string,
  statementName: (name: string) => string,
): UnfinishedRunStore {
  return {
    async page({ start, versions, max }) {
      const { kind, after } = start;
      const rows = await database.query<PageRow>({
        name: statementName(`unfinished_runs_${kind}`),
        text: pageText(schema, kind),
        values: [
          max,
          versions === null ? null : { arrayOf: 'text', values: versions.map(({ name }) => name) },
          versions === null ? null : { arrayOf: 'text', values: versions.map(({ version }) => version) },
          ...after,
        ],
      });
      const last = rows.length < max ? undefined : rows[rows.length - 1];
      return {
        runs: rows.map((row) => ({
          workflowId: row.workflow_id,
          name: row.name,
          version: row.version,
          isWaiting: kind !== 'owned',
          bytes: Number(row.bytes),
          lastPosition: row.last_position,
        })),
        next: last === undefined ? followers[kind] : { kind, after: last.place },
      };
    },

    async load(workflowIds) {
      const rows = await database.query<ClaimedRow>({
        name: statementName('unfinished_runs_load'),
        text: `
          select ${claimedColumns('r')}, false as was_parked, null::float8 as waited_ms
          from ${schema}.runs r where r.workflow_id = any($1::text[])`,
        values: [{ arrayOf: 'text', values: workflowIds }],
      });
      return new Map(rows.map((row) => [row.workflow_id, toClaimedRun(row)]));
    },

    async adopt(adoptions) {
      const rows = await database.query<{ workflow_id: string }>({
        name: statementName('unfinished_runs_adopt'),
        text: adoptText(schema),
        values: [
          { arrayOf: 'text', values: adoptions.map(({ workflowId }) => workflowId) },
          { arrayOf: 'text', values: adoptions.map(({ from }) => from) },
          { arrayOf: 'text', values: adoptions.map(({ to }) => to) },
          { arrayOf: 'int4', values: adoptions.map(({ lastPosition }) => lastPosition) },
        ],
      });
      return rows.map((row) => row.workflow_id);
    },
  };
}

/** In the order in which runs move on most rarely, so that few slip from one kind to another unseen. */
const followers: Record<PageStart['kind'], PageStart | null> = {
  waiting: { kind: 'queued', after: [''] },
  queued: { kind: 'owned', after: ['00000000-0000-0000-0000-000000000000', '0', ''] },
  owned: null,
};

/**
 * Each kind is read along an index that has no finished runs, or few: what an executor owns is its runs since the oldest
 * claim that it said it still works on.
 */
function pageText(schema: string, kind: PageStart['kind']): string {
  const wanted = `($2::text[] is null or (r.name, r.version) in (select * from unnest($2::text[], $3::text[])))`;
  const found = {
    waiting: `
      select r.*, array[r.name, r.version, r.workflow_id] as place from ${schema}.runs r
      where r.${waitingStates} and (r.name, r.version, r.workflow_id) > ($4::text, $5::text, $6::text) and ${wanted}
      order by r.name, r.version, r.workflow_id limit $1::int4`,
    queued: `
      select r.*, array[r.workflow_id] as place
      from ${schema}.queue_items i join ${schema}.runs r on r.workflow_id = i.workflow_id
      where i.workflow_id > $4::text and i.state in ('waiting', 'delayed') and r.state = 'queued' and ${wanted}
      order by i.workflow_id limit $1::int4`,
    owned: `
      select r.*, array[r.executor_id::text, r.claim_no::text, r.workflow_id] as place
      from ${schema}.executors e
      left join ${schema}.leases l on l.executor_id = e.id
      join ${schema}.runs r on r.executor_id = e.id and r.claim_no >= greatest(e.oldest_claim_no, l.oldest_claim_no)
      where r.state = 'owned' and (r.executor_id, r.claim_no, r.workflow_id) > ($4::uuid, $5::int8, $6::text) and ${wanted}
        and not exists (select 1 from ${schema}.outcomes o where o.workflow_id = r.workflow_id)
      order by r.executor_id, r.claim_no, r.workflow_id limit $1::int4`,
  }[kind];
  return `
    with found as materialized (${found})
    select found.workflow_id, found.name, found.version, found.place,
      (coalesce(octet_length(found.input), 0) + history.bytes)::float8 as bytes, history.last_position
    from found cross join lateral (
      select coalesce(sum(octet_length(c.payload)), 0) as bytes, coalesce(max(c.position), -1) as last_position
      from ${schema}.checkpoints c where c.workflow_id = found.workflow_id
    ) history`;
}

/** What somebody else has locked is being moved on by them: it is passed over. */
const adoptText = (schema: string): string => `
  with chosen as materialized (
    select r.workflow_id, given.to_version
    from unnest($1::text[], $2::text[], $3::text[], $4::int4[]) as given(workflow_id, from_version, to_version, last_position)
    join ${schema}.runs r on r.workflow_id = given.workflow_id
    where r.version = given.from_version and (r.${waitingStates} or r.state = 'queued') and given.last_position = (
      select coalesce(max(c.position), -1) from ${schema}.checkpoints c where c.workflow_id = r.workflow_id
    )
    order by r.workflow_id for update of r skip locked
  ), items as (
    update ${schema}.queue_items i set version = chosen.to_version from chosen where i.workflow_id = chosen.workflow_id
  )
  update ${schema}.runs r set version = chosen.to_version from chosen
  where r.workflow_id = chosen.workflow_id returning r.workflow_id`;

interface PageRow extends Record<string, unknown> {
  workflow_id: string;
  name: string;
  version: string;
  place: string[];
  bytes: number;
  last_position: number;
}
