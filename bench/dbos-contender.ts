import { DBOSClient } from '@dbos-inc/dbos-sdk';
import type { Contender } from './contender.js';
import { Worker } from './worker.js';

/** Another library of this kind, as it is by default: it polls for queued runs and for results, and is told of messages. */
export async function dbosContender(systemDatabaseUrl: string): Promise<Contender> {
  const worker = await Worker.launch('dbos-worker.ts', [systemDatabaseUrl]);
  const client = await DBOSClient.create({ systemDatabaseUrl, applicationName: 'bench' });
  return {
    name: '@dbos-inc/dbos-sdk',
    async enqueue(id) {
      await client.enqueue({ workflowName: 'measured', queueName: 'measured', workflowID: id }, id);
    },
    send: (id) => client.send(id, null, 'go'),
    async result(id) {
      await client.retrieveWorkflow(id).getResult();
    },
    told: (id, moment) => worker.told(id, moment),
    async close() {
      await client.destroy();
      await worker.close();
    },
  };
}
