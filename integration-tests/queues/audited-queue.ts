import { queue, step, workflow } from '@perdure/core';

/** What all processes of the audit declare, and what it holds them to. */
export const limits = {
  concurrency: 20,
  workerConcurrency: 6,
  keyConcurrency: 1,
} as const;

/** Of {@link auditedQueue}'s rate. */
export const periodMs = 1_000;

export interface Item {
  readonly no: number;
  readonly key: string;
}

/**
 * @param perPeriod how many items may begin in a period; few enough to be met on whatever machine this runs on
 * @param work the body of the only step
 */
export function auditedQueue(perPeriod: number, work: (item: Item) => Promise<void>) {
  const audited = queue('audited', {
    concurrency: limits.concurrency,
    workerConcurrency: limits.workerConcurrency,
    rateLimit: { limit: perPeriod, per: periodMs },
    perKey: { concurrency: limits.keyConcurrency },
  });
  const item = workflow('audited item', async (given: Item) => await step.run('work', () => work(given)), {
    version: '1',
  });
  return { audited, item };
}
