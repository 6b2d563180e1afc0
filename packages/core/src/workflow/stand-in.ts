import { InvariantError } from '../errors/errors.js';
import { resolveRetryPolicy } from '../step/retry-policy.js';
import type { WorkflowDefinition } from './definition.js';
import { checkName } from './names.js';

/** The version of a run until the first process that has its workflow takes it, and makes it its own version's. */
export const anyVersion = '';

/** Stands for a workflow whose code this process doesn't have, or need not have: it can be started, not executed. */
export function standIn(name: string): WorkflowDefinition {
  checkName('workflow', name);
  return {
    name,
    version: anyVersion,
    code: '',
    definedAt: 'elsewhere',
    fn: () => {
      throw new InvariantError(`workflow "${name}" was executed by its name alone`);
    },
    timeoutMs: null,
    inputSchema: undefined,
    errorClasses: [],
    onCancel: 'stop',
    retryPolicy: resolveRetryPolicy({}),
  };
}
