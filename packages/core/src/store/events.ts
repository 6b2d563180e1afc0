import type { Database } from '../database/database.js';
import { askedRuns } from './asked-runs.js';

/** Who wants to know of an event of a run, later than the one at a position of its history. */
export interface EventQuestion {
  readonly workflowId: string;
  readonly key: string;
  readonly after: number; // -1 = any
}

export interface EventAnswer {
  /** The latest event, if it is later than that. */
  readonly event: { readonly position: number; readonly payload: string | null } | null;
  /** What became of the run, of which more events come only while it is open. */
  readonly run: 'open' | 'ended' | 'unknown';
}

export interface EventStore {
  /** Answers many questions in one query, in their order. */
  find(questions: readonly EventQuestion[]): Promise<EventAnswer[]>;
}

export function createEventStore(
  database: Database,
  schema: string,
  statementName: (name: string) => string,
): EventStore {
  return {
    async find(questions) {
      const rows = await database.query<EventRow>({
        name: statementName('events_find'),
        text: `
          with ${askedRuns(schema, 'workflow_id, key, after, no')}
          select asked.known, coalesce(asked.ended, false) as ended, e.position, e.payload
          from asked left join lateral (
            select c.position, c.payload from ${schema}.checkpoints c
            where c.workflow_id = asked.workflow_id and c.name = asked.key and c.kind = 'event' and not c.failed
              and c.position > asked.after
            order by c.position desc limit 1
          ) e on true order by asked.no`,
        values: [
          { arrayOf: 'text', values: questions.map(({ workflowId }) => workflowId) },
          { arrayOf: 'text', values: questions.map(({ key }) => key) },
          { arrayOf: 'int4', values: questions.map(({ after }) => after) },
        ],
      });
      return rows.map(({ known, ended, position, payload }) => ({
        event: position === null ? null : { position, payload },
        run: known ? (ended ? 'ended' : 'open') : 'unknown',
      }));
    },
  };
}

interface EventRow extends Record<string, unknown> {
  known: boolean;
  ended: boolean;
  position: number | null;
  payload: string | null;
}
