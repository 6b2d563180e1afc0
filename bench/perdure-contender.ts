import { PerdureClient } from '@perdure/core';
import type { Contender } from './contender.js';
import { Worker } from './worker.js';

/** @param mode `polling`: both sides are told of nothing and ask every second */
export async function perdureContender(databaseUrl: string, mode: 'notified' | 'polling'): Promise<Contender> {
  const schema = `bench_${mode}`;
  const worker = await Worker.launch('perdure-worker.ts', [databaseUrl, schema, mode]);
  const client = await PerdureClient.connect({ databaseUrl, schema, notifications: mode === 'notified' });
  const measured = client.workflow('measured');
  return {
    name: mode === 'notified' ? 'perdure' : 'perdure, polling at 1 s',
    async enqueue(id) {
      await measured.with({ workflowId: id, queue: 'measured' }).start(id);
    },
    send: (id) => client.send(id, 'go', null),
    async result(id) {
      await client.run(id).result();
    },
    told: (id, moment) => worker.told(id, moment),
    async close() {
      await client.close();
      await worker.close();
    },
  };
}
