import { PgBoss } from 'pg-boss';
import type { Contender, Opening } from '../../contender.js';

interface Job {
  readonly id: string;
  readonly tells: boolean;
}

/** Plain jobs, without steps or results. */
export async function open({ url, role, hooks, isBatched }: Opening): Promise<Contender> {
  const boss = new PgBoss({ connectionString: url, useListenNotify: true });
  boss.on('error', (error) => {
    throw error;
  });
  await boss.start();
  await boss.createQueue('measured', { notify: true });
  if (role === 'worker') {
    const options = isBatched ? { batchSize: 500, burstWhenBatchFull: true } : {};
    await boss.work<Job>('measured', options, async (jobs) => {
      for (const { data } of jobs) {
        if (data.tells) hooks.began(data.id);
        else hooks.step(data.id);
      }
    });
  }
  return {
    enqueue: (id) => boss.send('measured', { id, tells: false }),
    enqueueWaiting: (id) => boss.send('measured', { id, tells: true }),
    close: () => boss.stop({ graceful: false }),
  };
}
