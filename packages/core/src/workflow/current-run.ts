import type { StepInfo } from './context.js';
import { currentContext } from './current-context.js';

/** The run that the calling code belongs to. */
export interface CurrentRun {
  readonly workflowId: string;
  readonly workflowName: string;
  /** How often the run was claimed: 1 unless it was recovered or handed over. */
  readonly attempt: number;
  /** The step whose body is running; undefined in the workflow function itself. */
  readonly step: StepInfo | undefined;
  /**
   * In a step: aborts when its result no longer matters (timeout, cancellation, or the run went to another process).
   * In the workflow function: when the run ends here.
   */
  readonly signal: AbortSignal;
  /** In a step: the same for every attempt of this step in every process. In the workflow function: the workflow id. */
  readonly idempotencyKey: string;
}

/**
 * The run that the calling code belongs to; undefined outside.
 *
 * @example
 * await stripe.charges.create(charge, { idempotencyKey: currentRun()?.idempotencyKey });
 */
export function currentRun(): CurrentRun | undefined {
  const context = currentContext();
  if (context === undefined || context.kind === 'engine') return undefined;
  const { workflowId, workflowName, attempt, signal } = context;
  return context.kind === 'step'
    ? { workflowId, workflowName, attempt, signal, step: context.step, idempotencyKey: context.idempotencyKey }
    : { workflowId, workflowName, attempt, signal, step: undefined, idempotencyKey: workflowId };
}
