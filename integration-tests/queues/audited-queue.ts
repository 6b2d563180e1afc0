import { queue, step, workflow } from '@perdure/core';

/** What all processes of the audit declare, and what it holds them to. */
export const limits = {
  concurrency: 20,
  workerConcurrency: 6,
  keyConcurrency: 1,
  rate: { limit: 300, perMs: 1_000 },
} as const;

export interface Item {
  readonly no: number;
  readonly key: string;
}

/** @param work the body of the only step */
export function auditedQueue(work: (item: Item) => Promise<void>) {
  const audited = queue('audited', {
    concurrency: limits.concurrency,
    workerConcurrency: limits.workerConcurrency,
    rateLimit: { limit: limits.rate.limit, per: limits.rate.perMs },
    perKey: { concurrency: limits.keyConcurrency },
  });
  const item = workflow('audited item', async (given: Item) => await step.run('work', () => work(given)), {
    version: '1',
  });
  return { audited, item };
}
