import { InvalidArgumentError } from '../errors/errors.js';
import type { Context } from './context.js';
import { currentContext, starterOn } from './current-context.js';
import type { OpenCall } from './durable-call.js';
import { handleCall } from './handle-call.js';
import type { ResultOptions, RunHandle, RunInfo, RunStarter, Started, StartedRun } from './run-starter.js';

/** A handle is only an address: it can be made for any id, and asks whoever has the answer. */
export function runHandle<Result>(starter: RunStarter, workflowId: string): RunHandle<Result> {
  const engine = { starter };
  const resultOutside = async ({ signal = null }: { signal?: AbortSignal | null }): Promise<Result> => {
    const outcome = await starterOn(engine).outcome(workflowId, signal);
    if (outcome.failed) throw starter.decodeError(outcome.payload ?? '');
    return starter.decode(outcome.payload) as Result;
  };

  // In a workflow, the promise of the durable call is passed on as it is: see callStep in step/step.ts.
  return {
    workflowId,

    result(options: ResultOptions = {}) {
      const context = currentContext();
      if (isInTransaction(context)) return Promise.reject(askedInTransaction('result'));
      if (context?.kind !== 'workflow') return resultOutside(options);
      if (options.signal !== undefined) return Promise.reject(signalInWorkflow());
      const ask = (call: OpenCall) => {
        call.rest({ kind: 'event', workflowId, key: null });
        return context.starter.outcome(workflowId, null);
      };
      return context.call(handleCall('result', workflowId, context, ask)) as Promise<Result>;
    },

    status() {
      const context = currentContext();
      if (isInTransaction(context)) return Promise.reject(askedInTransaction('status'));
      if (context?.kind !== 'workflow') return starterOn(engine).status(workflowId);
      const ask = async () => ({
        payload: context.seams.codec.encodeRecord(await context.starter.status(workflowId)),
        failed: false,
      });
      return context.call(handleCall('status', workflowId, context, ask)) as Promise<RunInfo>;
    },

    cancel() {
      const context = currentContext();
      if (isInTransaction(context)) return Promise.reject(askedInTransaction('cancel'));
      if (context?.kind !== 'workflow') return starterOn(engine).cancel(workflowId);
      const ask = async () => {
        await context.starter.cancel(workflowId);
        return { payload: null, failed: false };
      };
      return context.call(handleCall('cancel', workflowId, context, ask)) as Promise<void>;
    },
  };
}

/** The run that a start came to. */
export function startedRun<Result>(starter: RunStarter, { workflowId, isNew }: Started): StartedRun<Result> {
  // It may outlive the run that has made the start, and a run asks with its own anyhow.
  return { ...runHandle<Result>(starter.outside, workflowId), isNew };
}

/** On the one connection of PGlite, an answer would have to wait for the end of the transaction, and that for the answer. */
function isInTransaction(context: Context | undefined): boolean {
  return context?.kind === 'step' && context.transaction !== null;
}

const signalInWorkflow = (): Error =>
  new InvalidArgumentError(
    'result() was called with a signal in a workflow, whose replay could not know when it aborted. Cancel the run, or ask in a step.',
  );

const askedInTransaction = (what: string): Error =>
  new InvalidArgumentError(
    `${what}() was called in the body of a transactional step, where only start() is possible. Call it after the step.`,
  );
