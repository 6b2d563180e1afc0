import { answer } from './answer.js';
import type { WorkflowContext } from './context.js';
import type { WorkflowDefinition } from './definition.js';
import type { DurableCall } from './durable-call.js';
import { startedRun } from './run-handle.js';
import type { Started, StartOptions, StartRequest } from './run-starter.js';

/** A child workflow that is awaited: started once, its outcome recorded in the parent's history. */
export function awaitedChild(
  definition: WorkflowDefinition,
  args: readonly unknown[],
  options: StartOptions,
  context: WorkflowContext,
): DurableCall {
  const request = childRequest(definition, args, options, context);
  return {
    kind: 'child',
    name: definition.name,
    perform: (call) =>
      answer(call, context, async () => {
        const { workflowId } = await context.startChild(request);
        call.rest({ kind: 'child', workflowId });
        return await context.starter.outcome(workflowId, null);
      }),
  };
}

/** A child workflow in the background: the parent goes on with a handle once the child is durable. */
export function backgroundChild(
  definition: WorkflowDefinition,
  args: readonly unknown[],
  options: StartOptions,
  context: WorkflowContext,
): DurableCall {
  const request = childRequest(definition, args, options, context);
  const { codec } = context.seams;
  return {
    kind: 'start',
    name: definition.name,
    perform: (call) =>
      answer(call, context, async () => {
        const { workflowId, isNew } = await context.startChild(request);
        return { payload: codec.encodeRecord({ workflowId, isNew } satisfies Started), failed: false };
      }),
    revive: (started) => startedRun(context.starter, started as Started),
  };
}

/**
 * The id is drawn, and the surroundings are captured, when the call is made, not when it is performed: every replay draws
 * the same id.
 */
function childRequest(
  definition: WorkflowDefinition,
  args: readonly unknown[],
  options: StartOptions,
  context: WorkflowContext,
): StartRequest {
  const workflowId = options.workflowId ?? context.nextChildId();
  const captured = context.starter.capture('child', context);
  return { definition, args, options: { ...options, workflowId }, captured, parent: context, transaction: null };
}
