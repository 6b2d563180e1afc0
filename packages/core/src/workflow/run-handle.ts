import { currentContext } from './current-context.js';
import { handleCall } from './handle-call.js';
import type { RunHandle, RunInfo, RunStarter } from './run-starter.js';

/** A handle is only an address: it can be made for any id, and asks whoever has the answer. */
export function runHandle<Result>(starter: RunStarter, workflowId: string): RunHandle<Result> {
  return {
    workflowId,

    async result() {
      const context = currentContext();
      if (context?.kind === 'workflow') {
        const ask = () => context.starter.outcome(workflowId);
        return (await context.call(handleCall('result', workflowId, context, ask))) as Result;
      }
      const outcome = await starter.outcome(workflowId);
      if (outcome.failed) throw starter.decodeError(outcome.payload ?? '');
      return starter.decode(outcome.payload) as Result;
    },

    async status() {
      const context = currentContext();
      if (context?.kind !== 'workflow') return await starter.status(workflowId);
      const ask = async () => ({
        payload: context.seams.codec.encode(await context.starter.status(workflowId)),
        failed: false,
      });
      return (await context.call(handleCall('status', workflowId, context, ask))) as RunInfo;
    },

    async cancel() {
      const context = currentContext();
      if (context?.kind !== 'workflow') {
        await starter.cancel(workflowId);
        return;
      }
      const ask = async () => {
        await context.starter.cancel(workflowId);
        return { payload: null, failed: false };
      };
      await context.call(handleCall('cancel', workflowId, context, ask));
    },
  };
}
