import { type LaunchOptions, Perdure, PerdureClient, queue, receive, sleep, step, workflow } from '@perdure/core';
import { type Contender, type Hooks, type Opening, recovered } from '../contender.js';

/** How long others leave a dead process's runs alone; 15 s by default, and nothing that is measured. */
const lease = '2s';

export async function open({ url, role, hooks, isPolling }: Opening): Promise<Contender> {
  if (role === 'client') return await openClient(url, isPolling);
  if (role === 'worker') queue('measured', {});
  return await launch({ databaseUrl: url, ...(isPolling ? { notifications: false, poll: '1s' } : {}) }, hooks);
}

async function launch(options: LaunchOptions, hooks: Hooks): Promise<Contender> {
  const { steps, waiting, halfDone, sleeping } = workflows(hooks);
  const perdure = await Perdure.launch({
    ...options,
    workflows: [steps, waiting, halfDone, sleeping],
    lease,
    maxRuns: 50_000,
    // The sleepers are weighed where they are.
    parkAfter: false,
  });
  return {
    run: (id, count) => steps(id, count),
    startHalfDone: (id) => halfDone.with({ workflowId: id }).start(id),
    startSleeping: (id, sleepMs) => sleeping.with({ workflowId: id }).start(sleepMs),
    close: () => perdure.shutdown(),
  };
}

/** On the embedded database, with data in a folder. */
export const openEmbedded = (folder: string, hooks: Hooks): Promise<Contender> => launch({ folder }, hooks);

async function openClient(databaseUrl: string, isPolling: boolean): Promise<Contender> {
  const client = await PerdureClient.connect({ databaseUrl, notifications: !isPolling });
  const [steps, waiting] = [client.workflow('steps'), client.workflow('waiting')];
  return {
    enqueue: (id) => steps.with({ workflowId: id, queue: 'measured' }).start(id, 1),
    enqueueWaiting: (id) => waiting.with({ workflowId: id, queue: 'measured' }).start(id),
    send: (id) => client.send(id, 'go', null),
    result: (id) => client.run(id).result(),
    close: () => client.close(),
  };
}

function workflows(hooks: Hooks) {
  return {
    steps: workflow('steps', async (id: string, count: number) => {
      for (let no = 0; no < count; no += 1) await step.run('step', () => hooks.step(id));
      hooks.returning(id);
    }),
    waiting: workflow('waiting', async (id: string) => {
      hooks.began(id);
      await receive('go');
      hooks.received(id);
      await step.run('work', () => hooks.work());
      hooks.returning(id);
    }),
    halfDone: workflow('halfDone', async (id: string) => {
      for (let no = 0; no < recovered.steps; no += 1) {
        await step.run('step', async () => {
          if (no === recovered.halfway) await hooks.halfway(id);
          hooks.step(id);
        });
      }
      hooks.returning(id);
    }),
    sleeping: workflow('sleeping', async (sleepMs: number) => {
      await sleep(sleepMs);
    }),
  };
}
