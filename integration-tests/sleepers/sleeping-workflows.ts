import { now, receive, sleep, step, workflow } from '@perdure/core';

/** @param note the body of the only step of each: the run is awake */
export function sleepingWorkflows(note: (workflowId: string) => Promise<void>) {
  const sleeper = workflow(
    'sleeper',
    async (workflowId: string, until: number) => {
      await sleep(Math.max(0, until - now()));
      await step.run('note', () => note(workflowId));
    },
    { version: '1' },
  );
  const receiver = workflow(
    'receiver',
    async (workflowId: string) => {
      await receive('wake up');
      await step.run('note', () => note(workflowId));
    },
    { version: '1' },
  );
  return { sleeper, receiver };
}
