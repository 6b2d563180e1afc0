import type { ClaimedRun } from '../store/records.js';
import type { AbortOnDemand } from '../util/abort-on-demand.js';
import type { WorkflowContext } from './context.js';
import type { RunIdentity } from './run-identity.js';
import type { RunPatches } from './run-patches.js';
import type { RunServices } from './run-services.js';

/** What the function of a run is called in. */
export function runContext<Execution>(
  run: ClaimedRun,
  services: RunServices<Execution>,
  {
    identity,
    abort,
    patches,
    ...execution
  }: Pick<WorkflowContext, 'trace' | 'startChild' | 'call' | 'track' | 'isRepeating' | 'now'> & {
    readonly identity: RunIdentity;
    readonly abort: AbortOnDemand;
    readonly patches: RunPatches;
  },
): WorkflowContext {
  return {
    ...execution,
    kind: 'workflow',
    workflowId: run.workflowId,
    workflowName: run.name,
    attempt: run.attempt,
    get signal() {
      return abort.signal;
    },
    starter: services.starter,
    seams: services,
    deadlineAt: run.deadlineAt,
    carried: run.context,
    storedTrace: run.trace,
    nextChildId: () => identity.nextChildId(),
    nextToken: () => identity.nextToken(),
    patched: (id) => patches.isPatched(id),
    deprecatePatch: (id) => patches.deprecate(id),
    uuid: () => identity.uuid(),
    random: () => identity.random(),
  };
}
