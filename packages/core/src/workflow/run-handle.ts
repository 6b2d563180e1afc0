import { currentContext } from './current-context.js';
import { handleCall } from './handle-call.js';
import type { RunHandle, RunInfo, RunStarter } from './run-starter.js';

/** A handle is only an address: it can be made for any id, and asks whoever has the answer. */
export function runHandle<Result>(starter: RunStarter, workflowId: string): RunHandle<Result> {
  const resultOutside = async (): Promise<Result> => {
    const outcome = await starter.outcome(workflowId);
    if (outcome.failed) throw starter.decodeError(outcome.payload ?? '');
    return starter.decode(outcome.payload) as Result;
  };

  // In a workflow, the promise of the durable call is passed on as it is: see callStep in step/step.ts.
  return {
    workflowId,

    result() {
      const context = currentContext();
      if (context?.kind !== 'workflow') return resultOutside();
      const ask = () => context.starter.outcome(workflowId);
      return context.call(handleCall('result', workflowId, context, ask)) as Promise<Result>;
    },

    status() {
      const context = currentContext();
      if (context?.kind !== 'workflow') return starter.status(workflowId);
      const ask = async () => ({
        payload: context.seams.codec.encode(await context.starter.status(workflowId)),
        failed: false,
      });
      return context.call(handleCall('status', workflowId, context, ask)) as Promise<RunInfo>;
    },

    cancel() {
      const context = currentContext();
      if (context?.kind !== 'workflow') return starter.cancel(workflowId);
      const ask = async () => {
        await context.starter.cancel(workflowId);
        return { payload: null, failed: false };
      };
      return context.call(handleCall('cancel', workflowId, context, ask)) as Promise<void>;
    },
  };
}
