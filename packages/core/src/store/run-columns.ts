import type { NewRun } from './records.js';
import { type Column, fromMs } from './sql.js';

/** What a start writes of a run, whoever is to own it. */
export const runColumns: readonly Column<Omit<NewRun, 'claimNo'>>[] = [
  { name: 'workflow_id', type: 'text', value: (run) => run.workflowId },
  { name: 'name', type: 'text', value: (run) => run.name },
  { name: 'version', type: 'text', value: (run) => run.version },
  { name: 'input', type: 'text', value: (run) => run.input },
  { name: 'parent_id', type: 'text', value: (run) => run.parentId },
  { name: 'detached', type: 'bool', value: (run) => run.detached },
  { name: 'seed', type: 'text', value: (run) => run.seed },
  { name: 'created_at', type: 'int8', value: (run) => run.createdAt, expression: fromMs },
  { name: 'deadline_at', type: 'int8', value: (run) => run.deadlineAt, expression: fromMs },
  { name: 'context', type: 'text', value: (run) => run.context },
  { name: 'fingerprint', type: 'text', value: (run) => run.fingerprint },
  { name: 'attributes', type: 'text', value: (run) => run.attributes, expression: (value) => `${value}::jsonb` },
  { name: 'trace', type: 'text', value: (run) => run.trace },
];

/** Whether a run was shown, since it began afresh last, that it was cancelled or late. */
export const isInterrupted = (schema: string, alias: string): string => `exists (
  select 1 from ${schema}.checkpoints c
  where c.workflow_id = ${alias}.workflow_id and c.kind in ('cancelled', 'timed-out') and c.position > coalesce((
    select max(t.position) from ${schema}.checkpoints t where t.workflow_id = ${alias}.workflow_id and t.kind = 'retry'
  ), -1)
)`;

/** The trace of a run that was put back after it had ended: nobody waits for it any more, in the notation of `encodeTrace`. */
export const traceOfNobodyWaiting = (alias: string): string => `replace(${alias}.trace, ',"pi":1}', '}')`;
