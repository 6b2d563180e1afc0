import { DBOS, DBOSClient } from '@dbos-inc/dbos-sdk';
import { type Contender, type Hooks, type Opening, recovered } from '../../contender.js';

export async function open({ url, role, hooks }: Opening): Promise<Contender> {
  return role === 'client' ? await openClient(url) : await launch(url, role === 'worker', hooks);
}

async function launch(systemDatabaseUrl: string, servesQueue: boolean, hooks: Hooks): Promise<Contender> {
  DBOS.setConfig({ name: 'bench', systemDatabaseUrl, logLevel: 'error' });
  const { steps, halfDone, sleeping } = register(hooks);
  await DBOS.launch();
  if (servesQueue) await DBOS.registerQueue('measured');
  return {
    run: (id, count) => steps(id, count),
    startHalfDone: (id) => DBOS.startWorkflow(halfDone, { workflowID: id })(id),
    startSleeping: (id, sleepMs) => DBOS.startWorkflow(sleeping, { workflowID: id })(sleepMs),
    close: () => DBOS.shutdown(),
  };
}

async function openClient(systemDatabaseUrl: string): Promise<Contender> {
  const client = await DBOSClient.create({ systemDatabaseUrl, applicationName: 'bench' });
  const queued = { queueName: 'measured' };
  return {
    enqueue: (id) => client.enqueue({ ...queued, workflowName: 'steps', workflowID: id }, id, 1),
    enqueueWaiting: (id) => client.enqueue({ ...queued, workflowName: 'waiting', workflowID: id }, id),
    send: (id) => client.send(id, null, 'go'),
    result: (id) => client.retrieveWorkflow(id).getResult(),
    close: () => client.destroy(),
  };
}

function register(hooks: Hooks) {
  const step = { name: 'step' };
  const steps = async (id: string, count: number): Promise<void> => {
    for (let no = 0; no < count; no += 1) await DBOS.runStep(async () => hooks.step(id), step);
    hooks.returning(id);
  };
  const waiting = async (id: string): Promise<void> => {
    hooks.began(id);
    await DBOS.recv('go', 60);
    hooks.received(id);
    await DBOS.runStep(hooks.work, { name: 'work' });
    hooks.returning(id);
  };
  const halfDone = async (id: string): Promise<void> => {
    for (let no = 0; no < recovered.steps; no += 1) {
      await DBOS.runStep(async () => {
        if (no === recovered.halfway) await hooks.halfway(id);
        hooks.step(id);
      }, step);
    }
    hooks.returning(id);
  };
  DBOS.registerWorkflow(waiting, { name: 'waiting' });
  return {
    steps: DBOS.registerWorkflow(steps, { name: 'steps' }),
    halfDone: DBOS.registerWorkflow(halfDone, { name: 'halfDone' }),
    sleeping: DBOS.registerWorkflow((sleepMs: number) => DBOS.sleep(sleepMs), { name: 'sleeping' }),
  };
}
