import type { RequestWorkflow } from './process-state.js';
import { requestWorkflow } from './request-run.js';

/**
 * The workflows of this package, for an engine that is launched with a list of its own.
 *
 * @example
 * await Perdure.launch({ workflows: [checkout, ...httpWorkflows()] });
 */
export function httpWorkflows(): readonly [RequestWorkflow] {
  return [requestWorkflow()];
}
