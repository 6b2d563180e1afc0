import type { Database, Row } from '@perdure/core/internal';
import type { JobTracing } from '../../crash-points/jobs.js';
import type { ReceivedSpan } from '../received-span.js';

/** A run, as the database has it. */
export interface RunFact {
  readonly workflowId: string;
  readonly name: string;
  readonly parentId: string | null; // null = it is no child
  readonly attempt: number;
  /** The executors that died under it, by the attempt that they were at. */
  readonly deaths: ReadonlyMap<number, string>;
  /** Whether it has a trace of its own making: not what was forked or imported. */
  readonly isTraced: boolean;
}

/** A try of a step that the history has. */
export interface StepFact {
  readonly workflowId: string;
  readonly seq: number;
  readonly name: string;
  readonly attempt: number;
  readonly hasFailed: boolean;
}

/** Everything that is known of a case when its traces are judged. */
export interface Evidence {
  readonly tracing: JobTracing;
  readonly spans: readonly ReceivedSpan[];
  /** What came over the wire, as it came. */
  readonly bodies: readonly string[];
  readonly runs: readonly RunFact[];
  readonly steps: readonly StepFact[];
  /** The labels of the processes that were killed, and of those that ended in peace. */
  readonly killed: ReadonlySet<string>;
  /** What is in no span, whatever happens. */
  readonly secrets: readonly string[];
  /** Spans that processes which ended in peace have left open. */
  readonly openSpans: readonly string[];
}

export async function factsOf(
  database: Database,
  schema: string,
  workflowId: string,
): Promise<Pick<Evidence, 'runs' | 'steps'>> {
  const ask = async <R extends Row>(text: string): Promise<R[]> => {
    const sql = text.replaceAll('SCHEMA', `"${schema}"`);
    return await database.query<R>({ name: sql, text: sql, values: [workflowId] });
  };
  const runs = await ask<{
    workflow_id: string;
    name: string;
    parent_id: string | null;
    attempt: number;
    crash_log: readonly { readonly attempt: number; readonly executorId: string }[] | null;
    is_traced: boolean;
  }>(
    `select workflow_id, name, parent_id, attempt, crash_log, trace is not null and forked_from is null as is_traced
     from SCHEMA.runs where starts_with(workflow_id, $1::text)`,
  );
  const steps = await ask<{ workflow_id: string; seq: number; name: string; attempt: number; has_failed: boolean }>(
    `select workflow_id, seq, name, attempt, failed or kind = 'attempt' as has_failed
     from SCHEMA.checkpoints where starts_with(workflow_id, $1::text) and kind in ('step', 'attempt')`,
  );
  return {
    runs: runs.map((row) => ({
      workflowId: row.workflow_id,
      name: row.name,
      parentId: row.parent_id,
      attempt: row.attempt,
      deaths: new Map((row.crash_log ?? []).map(({ attempt, executorId }) => [attempt, executorId])),
      isTraced: row.is_traced,
    })),
    steps: steps.map((row) => ({
      workflowId: row.workflow_id,
      seq: row.seq,
      name: row.name,
      attempt: row.attempt,
      hasFailed: row.has_failed,
    })),
  };
}
