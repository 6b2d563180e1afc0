import type { Database } from '../database/database.js';
import type { EpochMs } from '../seams/clock.js';
import type { OutcomeKind } from './records.js';
import { now } from './sql.js';

type Json = string | number | boolean | null | readonly unknown[] | { readonly [key: string]: unknown };

/** A row as JSON, of which the archive's owner changes what holds values. */
export type ArchivedRow = Readonly<Record<string, Json>>;

export interface PayloadRow extends ArchivedRow {
  readonly payload: string | null;
}

/** A run as the tables have it, but for its trace, which is that of another application, with what that takes along. */
export interface ArchivedRun {
  readonly run: ArchivedRow & {
    readonly workflow_id: string;
    readonly input: string | null;
    readonly context: string | null;
    readonly attributes: { readonly [key: string]: unknown } | null;
  };
  readonly outcome: (PayloadRow & { readonly kind: OutcomeKind }) | null; // null = it had not ended
  readonly checkpoints: readonly (PayloadRow & {
    readonly kind: string;
    readonly name: string;
    readonly failed: boolean;
  })[];
  readonly transactions: readonly (PayloadRow & { readonly name: string })[];
  readonly messages: readonly (PayloadRow & { readonly topic: string })[];
  readonly streams: readonly (PayloadRow & { readonly name: string; readonly kind: string })[];
}

export interface ArchiveStore {
  read(workflowId: string): Promise<ArchivedRun | null>;
  /**
   * Writes a run that nobody executes. False if another run has its id.
   *
   * @param endedPayload encoded error of the outcome that it gets if it has none
   */
  write(run: ArchivedRun, endedPayload: string, now: EpochMs | null): Promise<boolean>;
}

export function createArchiveStore(
  database: Database,
  schema: string,
  statementName: (name: string) => string,
): ArchiveStore {
  return {
    async read(workflowId) {
      const [row] = await database.query<ArchiveRow>({
        name: statementName('archives_read'),
        text: `
          select (to_jsonb(r) - 'trace')::text as run,
            (select to_json(o) from ${schema}.outcomes o where o.workflow_id = r.workflow_id)::text as outcome,
            ${parts.map(({ table, order }) => `(select coalesce(json_agg(b order by ${order}), '[]') from ${schema}.${table} b where b.workflow_id = r.workflow_id)::text as ${table}`).join(', ')}
          from ${schema}.runs r where r.workflow_id = $1::text`,
        values: [workflowId],
      });
      if (row === undefined) return null;
      const { run, outcome, ...tables } = row;
      return {
        run: JSON.parse(run) as ArchivedRun['run'],
        outcome: outcome === null ? null : (JSON.parse(outcome) as ArchivedRun['outcome']),
        checkpoints: JSON.parse(tables.checkpoints) as ArchivedRun['checkpoints'],
        transactions: JSON.parse(tables.transactions) as ArchivedRun['transactions'],
        messages: JSON.parse(tables.messages) as ArchivedRun['messages'],
        streams: JSON.parse(tables.streams) as ArchivedRun['streams'],
      };
    },

    async write(archived, endedPayload, at) {
      const rows = await database.query<{ workflow_id: string }>({
        name: statementName('archives_write'),
        text: `
          with written as (
            insert into ${schema}.runs (${runColumns}, state)
            select ${runColumns}, 'settled' from json_populate_record(null::${schema}.runs, $1::json)
            on conflict do nothing returning workflow_id, created_at
          ), ended as (
            insert into ${schema}.outcomes (workflow_id, kind, payload, finished_at, created_at)
            select written.workflow_id, coalesce(o.kind, 'cancelled'), case when o.kind is null then $3::text else o.payload end,
              coalesce(o.finished_at, ${now('$4::int8')}), case when o.kind = 'completed' then null else written.created_at end
            from written left join json_populate_record(null::${schema}.outcomes, $2::json) o on true
          )${parts
            .map(
              ({ table, columns, order }, index) => `, written_${table} as (
            insert into ${schema}.${table} (${columns})
            select ${columns} from json_populate_recordset(null::${schema}.${table}, $${index + 5}::json) b
            where b.workflow_id in (select workflow_id from written) order by ${order}
          )`,
            )
            .join('')}
          select workflow_id from written
          union all
          select r.workflow_id from ${schema}.runs r
          join json_populate_record(null::${schema}.runs, $1::json) given on given.workflow_id = r.workflow_id and given.seed = r.seed`,
        values: [
          JSON.stringify(archived.run),
          archived.outcome === null ? null : JSON.stringify(archived.outcome),
          endedPayload,
          at,
          ...parts.map(({ table }) => JSON.stringify(archived[table])),
        ],
      });
      return rows.length > 0;
    },
  };
}

/** What goes on where it is: claims, and where it waited, do not. */
const runColumns = `
  workflow_id, name, version, input, unchecked, parent_id, detached, seed, created_at, attempt, crash_log,
  retries_due, context, fingerprint, attributes, forked_from, forked_at`;

const parts = [
  {
    table: 'checkpoints',
    columns: 'workflow_id, position, seq, kind, name, payload, failed, started_at, finished_at, attempt',
    order: 'b.position',
  },
  {
    table: 'transactions',
    columns: 'workflow_id, retries, seq, name, payload, started_at, finished_at, attempt',
    order: 'b.retries, b.seq',
  },
  {
    table: 'messages',
    columns: 'workflow_id, topic, payload, idempotency_key, sent_at, consumed_in, consumed_by',
    order: 'b.no',
  },
  { table: 'streams', columns: 'workflow_id, name, no, kind, seq, call, payload', order: 'b.name, b.no' },
] as const;

type ArchiveRow = Record<'run' | (typeof parts)[number]['table'], string> & { outcome: string | null };
