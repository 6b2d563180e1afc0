import type { Database } from '../database/database.js';
import { DeletionRefusedError } from '../errors/storage-errors.js';
import type { RunStatus } from './records.js';
import type { ListPlace } from './run-listing.js';

/** Deletes runs with all that belongs to them. */
export interface RunRemovalStore {
  /** The runs and what they have started, and these in turn. */
  findTrees(workflowIds: readonly string[]): Promise<string[]>;
  /**
   * Deletes those that have ended, except children of runs that have not: these would start them again. Answers with what is
   * gone.
   *
   * @param mode `patient` waits for whoever has one locked, `passing` leaves it for another time
   * @throws {DeletionRefusedError} if the database's role may not
   */
  remove(workflowIds: readonly string[], mode: 'patient' | 'passing'): Promise<string[]>;
  /** The place of the first run that is too many, where so many of a workflow that ended so are to stay; null = none is. */
  findExcess(name: string, statuses: readonly RunStatus[], keep: number): Promise<ListPlace | null>;
}

export function createRunRemovalStore(
  database: Database,
  schema: string,
  statementName: (name: string) => string,
): RunRemovalStore {
  return {
    async findTrees(workflowIds) {
      const rows = await database.query<{ workflow_id: string }>({
        name: statementName('run_removal_find_trees'),
        text: `
          with recursive tree as (
            select workflow_id from unnest($1::text[]) as given(workflow_id)
            union
            select r.workflow_id from tree join ${schema}.runs r on r.parent_id = tree.workflow_id
          )
          select workflow_id from tree`,
        values: [{ arrayOf: 'text', values: workflowIds }],
      });
      return rows.map((row) => row.workflow_id);
    },

    async remove(workflowIds, mode) {
      const statement = {
        name: statementName(`run_removal_remove_${mode}`),
        text: removeText(schema, mode === 'passing' ? 'skip locked' : ''),
        values: [{ arrayOf: 'text', values: workflowIds } as const],
      };
      try {
        return (await database.query<{ workflow_id: string }>(statement)).map((row) => row.workflow_id);
      } catch (error) {
        if (!isForWantOfRights(error)) throw error;
        throw new DeletionRefusedError(
          ['runs', ...belongings].map((table) => `${schema}.${table}`),
          error,
        );
      }
    },

    async findExcess(name, statuses, keep) {
      const [row] = await database.query<{ workflow_id: string; created_us: number }>({
        name: statementName('run_removal_find_excess'),
        text: `
          select r.workflow_id, (extract(epoch from r.created_at) * 1000000)::float8 as created_us
          from ${schema}.runs r
          where r.name = $1::text and exists (
            select 1 from ${schema}.outcomes o where o.workflow_id = r.workflow_id and o.kind = any($2::text[])
          )
          order by r.created_at desc, r.workflow_id desc offset $3::int4 limit 1`,
        values: [name, { arrayOf: 'text', values: statuses }, keep],
      });
      return row === undefined ? null : { createdAtUs: Number(row.created_us), workflowId: row.workflow_id };
    },
  };
}

const isForWantOfRights = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === '42501';

const belongings = ['checkpoints', 'transactions', 'messages', 'streams', 'queue_items', 'outcomes'];

/** A run that is reopened meanwhile has another state when its lock is held. */
const removeText = (schema: string, locking: string): string => `
  with chosen as materialized (
    select r.workflow_id from ${schema}.runs r
    where r.workflow_id = any($1::text[]) and r.state in ('owned', 'settled')
      and exists (select 1 from ${schema}.outcomes o where o.workflow_id = r.workflow_id)
      and not exists (
        select 1 from ${schema}.runs p where p.workflow_id = r.parent_id and not exists (
          select 1 from ${schema}.outcomes o where o.workflow_id = p.workflow_id
        )
      )
    order by r.workflow_id for update of r ${locking}
  ), ${belongings
    .map(
      (table) => `gone_${table} as (
    delete from ${schema}.${table} b using chosen where b.workflow_id = chosen.workflow_id
  )`,
    )
    .join(', ')}
  delete from ${schema}.runs r using chosen where r.workflow_id = chosen.workflow_id returning r.workflow_id`;
