import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import type { Contender, Opening } from '../../contender.js';

interface Job {
  readonly id: string;
  readonly tells: boolean;
}

const logger = new Logger(() => () => {});

/** Plain jobs, without steps or results. Batched, it completes jobs together, some time after they have ended. */
export async function open({ url, role, hooks, concurrency, isBatched }: Opening): Promise<Contender> {
  const worker = { connectionString: url, logger, concurrentJobs: concurrency };
  const batched = { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 };
  const utils = await makeWorkerUtils({ connectionString: url, logger });
  await utils.migrate();
  const measured = (payload: unknown): void => {
    const { id, tells } = payload as Job;
    if (tells) hooks.began(id);
    else hooks.step(id);
  };
  const runner =
    role === 'worker'
      ? await run({ preset: { worker: { ...worker, ...(isBatched ? batched : {}) } }, taskList: { measured } })
      : null;
  const add = (job: Job): Promise<unknown> => utils.addJob('measured', job);
  return {
    enqueue: (id) => add({ id, tells: false }),
    enqueueWaiting: (id) => add({ id, tells: true }),
    async close() {
      await runner?.stop();
      await utils.release();
    },
  };
}
