import { setTimeout as delay } from 'node:timers/promises';
import { sleep, step, workflow } from '@perdure/core';

export interface Order {
  sku: string;
  cents: number;
}

const reserve = step('reserve', async (order: Order) => {
  say('reserve');
  return `reservation of ${order.sku}`;
});

const charge = step('charge', async (order: Order) => {
  say('charge');
  return `payment of ${order.cents} cents`;
});

// It takes its time, so that you can kill the process meanwhile.
const pack = step('pack', async (order: Order) => {
  say('pack, which takes 10 s');
  await delay(10_000);
  return `parcel with ${order.sku}`;
});

/** What a step returns is recorded. After a crash, steps that are recorded do not run again, and the others do. */
export const checkout = workflow(
  'checkout',
  async (order: Order) => {
    const reservation = await reserve(order);
    const payment = await charge(order);
    const parcel = await pack(order);
    await sleep('1s');
    const shipment = await step.run('ship', async () => {
      say('ship');
      return `shipment of ${parcel}`;
    });
    return { reservation, payment, shipment };
  },
  // What a bundler makes of this source may differ from build to build: raise the version when the steps change.
  { version: '1' },
);

export function parseOrder(body: unknown): Order {
  const { sku, cents } = (body ?? {}) as Partial<Order>;
  if (typeof sku === 'string' && Number.isSafeInteger(cents)) return { sku, cents: Number(cents) };
  throw Object.assign(new Error('An order has a sku and cents.'), { status: 400 });
}

function say(what: string): void {
  console.log(`process ${process.pid}: ${what}`);
}
