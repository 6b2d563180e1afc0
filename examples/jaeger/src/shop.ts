import { log, queue, sleep, step, workflow } from '@perdure/core';
import { setTimeout as pause } from 'node:timers/promises';

export interface Order {
  readonly sku: string;
  readonly cents: number;
}

const parcels = queue('parcels', { concurrency: 5 });

const reserve = step('reserve', async (sku: string) => {
  await pause(50);
  return `reservation of ${sku}`;
});

// Fails now and then, as payment providers do, and is tried again.
const charge = step(
  'charge',
  async (cents: number) => {
    await pause(200);
    if (Math.random() < 0.2) throw new Error('the payment provider did not answer');
    return `payment of ${cents} cents`;
  },
  { retries: 5, backoff: { initial: '500ms' } },
);

const ship = workflow('ship', async (sku: string) => {
  await step.run('label', () => pause(100));
  log.info({ sku }, 'on its way');
  return `parcel with ${sku}`;
});

export const checkout = workflow('checkout', async ({ sku, cents }: Order) => {
  const reservation = await reserve(sku);
  const payment = await charge(cents);
  log.info({ sku }, 'paid');
  await sleep('1s');
  const parcel = await ship.with({ queue: parcels })(sku);
  return { reservation, payment, parcel };
});
