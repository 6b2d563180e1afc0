import { never } from '../util/never.js';
import { answer } from './answer.js';
import type { WorkflowContext } from './context.js';
import type { CallResult, DurableCall, OpenCall } from './durable-call.js';

/**
 * A question or a request to another run, made by a workflow: `result`, `status` or `cancel`. Its answer is recorded, so
 * that a replay sees the same.
 */
export function handleCall(
  kind: 'result' | 'status' | 'cancel',
  workflowId: string,
  context: WorkflowContext,
  ask: (call: OpenCall) => Promise<Omit<CallResult, 'startedAt'>>,
): DurableCall {
  return {
    kind,
    name: workflowId,
    perform: (call) =>
      answer(call, context, async () => {
        await call.permission();
        // As in a step: what was answered in the same turn must not begin.
        if (call.isAborted) return await never();
        return await ask(call);
      }),
  };
}
