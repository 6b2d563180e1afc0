import { queue, receive, schedule, step, workflow } from '@perdure/core';

export interface Order {
  readonly card: string;
  readonly isBad?: boolean;
}

/**
 * What the command line is tried on. The second build does something else first, which fits no order that the first one has
 * begun.
 */
export function shop(build: '1' | '2') {
  const ship = workflow('ship', async () => await step.run('label', () => 'labelled'));
  const order = workflow(
    'order',
    async ({ card, isBad = false }: Order) => {
      if (build === '2') await step.run('reserve', () => card);
      await step.run('charge', () => {
        if (isBad) throw new RangeError('no such card');
        return `charged ${card}`;
      });
      await ship();
      return `shipped to ${card}`;
    },
    { version: build },
  );
  const approval = workflow(
    'approval',
    async () => {
      await step.run(build === '1' ? 'ask' : 'ask twice', () => 'asked');
      return await receive('answer');
    },
    { version: build },
  );
  const invoice = workflow('invoice', async (no: number) => {
    await step.run('mail', () => {
      if (no < 0) throw new RangeError('no address');
    });
  });
  const invoices = queue('invoices', { concurrency: 2, rateLimit: { limit: 100, per: '1m' } });
  const tick = workflow('tick', async () => await step.run('tick', () => 'ticked'));
  schedule('ticks', { every: '1h' }, tick);
  return { ship, order, approval, invoice, invoices, tick };
}
