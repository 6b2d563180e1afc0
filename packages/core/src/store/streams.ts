import type { Database } from '../database/database.js';
import { askedRuns } from './asked-runs.js';
import type { Column } from './sql.js';

/** A place in a stream: a value, its end, or word that earlier values are gone. */
export interface StreamEntry {
  readonly workflowId: string;
  readonly name: string;
  /** 0, 1, 2 … without gaps; never given again, also where the entry has been discarded. */
  readonly no: number;
  readonly kind: 'value' | 'rollback' | 'close';
  /** The step that wrote it; -1 = the workflow itself. */
  readonly seq: number;
  /** The durable call that it was written with: the step's, or the workflow's own; -1 = none, as of a rollback. */
  readonly call: number;
  /** The encoded value; of a rollback, the {@link StreamRange}s as JSON. */
  readonly payload: string | null;
}

export interface StreamRange {
  readonly first: number;
  readonly last: number; // inclusive
}

/** Values that are taken back. */
export interface Discard extends StreamRange {
  readonly workflowId: string;
  readonly name: string;
}

/** What happens to the streams of a run in one commit. */
export interface StreamChange {
  readonly entries: readonly StreamEntry[];
  /** Of earlier entries. */
  readonly discarded: readonly Discard[];
}

/** A stretch that a step or the workflow itself has written and that may still be taken back, as a history tells it. */
export interface StreamedPayload extends StreamRange {
  readonly kind: StreamEntry['kind'];
}

/** Who wants to read on in a stream. */
export interface StreamQuestion {
  readonly workflowId: string;
  readonly name: string;
  readonly from: number;
}

export interface StreamAnswer {
  readonly entries: readonly Pick<StreamEntry, 'no' | 'kind' | 'payload'>[];
  /** Whether there is more than this by now. */
  readonly isPart: boolean;
  /** What became of the run, of which more entries come only while it is open. */
  readonly run: 'open' | 'ended' | 'unknown';
}

export interface StreamStore {
  /** Answers many questions in one query, in their order. */
  read(questions: readonly StreamQuestion[]): Promise<StreamAnswer[]>;
}

/** How many entries one answer has at most. */
const pageMax = 500;

export const streamColumns: readonly Column<StreamEntry>[] = [
  { name: 'workflow_id', type: 'text', value: (entry) => entry.workflowId },
  { name: 'name', type: 'text', value: (entry) => entry.name },
  { name: 'no', type: 'int4', value: (entry) => entry.no },
  { name: 'kind', type: 'text', value: (entry) => entry.kind },
  { name: 'seq', type: 'int4', value: (entry) => entry.seq },
  { name: 'call', type: 'int4', value: (entry) => entry.call },
  { name: 'payload', type: 'text', value: (entry) => entry.payload },
];

export const discardColumns: readonly Column<Discard>[] = [
  { name: 'workflow_id', type: 'text', value: (discard) => discard.workflowId },
  { name: 'name', type: 'text', value: (discard) => discard.name },
  { name: 'first', type: 'int4', value: (discard) => discard.first },
  { name: 'last', type: 'int4', value: (discard) => discard.last },
];

/** The streams of runs as rows of their histories: one for each stretch that one step wrote, or the workflow itself ({@link StreamedPayload}). */
export const streamedRows = (schema: string, workflowIds: string): string => `
  select s.workflow_id, -1, s.seq, 'streamed', s.name,
    json_build_object('kind', s.kind, 'first', min(s.no), 'last', max(s.no))::text, false, 0, 0, 0
  from (
    select workflow_id, name, no, kind, seq,
      no - row_number() over (partition by workflow_id, name, kind, seq order by no) as stretch
    from ${schema}.streams where workflow_id = any(${workflowIds}::text[])
  ) s
  group by s.workflow_id, s.name, s.kind, s.seq, s.stretch`;

export function createStreamStore(
  database: Database,
  schema: string,
  statementName: (name: string) => string,
): StreamStore {
  return {
    async read(questions) {
      const rows = await database.query<StreamRow>({
        name: statementName('streams_read'),
        text: `
          with ${askedRuns(schema, 'workflow_id, name, first, question')}
          select asked.question::int4 as question, asked.known, coalesce(asked.ended, false) as ended,
            s.no, s.kind, s.payload
          from asked left join lateral (
            select s.no, s.kind, s.payload from ${schema}.streams s
            where s.workflow_id = asked.workflow_id and s.name = asked.name and s.no >= asked.first
            order by s.no limit ${pageMax}
          ) s on true order by asked.question, s.no`,
        values: [
          { arrayOf: 'text', values: questions.map(({ workflowId }) => workflowId) },
          { arrayOf: 'text', values: questions.map(({ name }) => name) },
          { arrayOf: 'int4', values: questions.map(({ from }) => from) },
        ],
      });
      const pages = new Map<number, StreamRow[]>();
      for (const row of rows) {
        const page = pages.get(row.question);
        if (page === undefined) pages.set(row.question, [row]);
        else page.push(row);
      }
      return questions.map((_, index) => toAnswer(pages.get(index + 1) ?? []));
    },
  };
}

interface StreamRow extends Record<string, unknown> {
  question: number;
  known: boolean;
  ended: boolean;
  no: number | null;
  kind: StreamEntry['kind'];
  payload: string | null;
}

function toAnswer(rows: readonly StreamRow[]): StreamAnswer {
  const [first] = rows;
  const entries = rows.flatMap(({ no, kind, payload }) => (no === null ? [] : [{ no, kind, payload }]));
  const run = first?.known === true ? (first.ended ? 'ended' : 'open') : 'unknown';
  return { entries, isPart: entries.length === pageMax, run };
}
