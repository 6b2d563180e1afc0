import { appendFileSync } from 'node:fs';
import { currentRun, step, workflow } from '@perdure/core';
import { reply } from '@perdure/next';
import { charge as chargeCard } from './payments';

export interface Order {
  readonly sku: string;
  readonly cents: number;
}

const reserve = step('reserve', async ({ sku }: Order) => {
  note('reserve');
  return `reservation of ${sku}`;
});

const charge = step('charge', async ({ cents }: Order) => {
  note('charge');
  // The same key for every try, in every process: the provider charges once.
  return await chargeCard(cents, currentRun()?.idempotencyKey ?? '');
});

/** An order: what is done is recorded, and goes on after a crash. */
export const checkout = workflow(
  'checkout',
  async (order: Order) => {
    const reservation = await reserve(order);
    const payment = await charge(order);
    const shipment = await step.run('ship', async () => {
      note('ship');
      return `shipment of ${order.sku}`;
    });
    return reply(201, { reservation, payment, shipment });
  },
  // What a bundler makes of this source may differ from build to build: in a bundle, versions are given by hand.
  { version: '1' },
);

/** What is refused here has not begun, and leaves the key free for a corrected order. */
export function parseOrder(body: unknown): Order {
  const { sku, cents } = (body ?? {}) as Record<string, unknown>;
  if (typeof sku === 'string' && Number.isSafeInteger(cents)) return { sku, cents: cents as number };
  throw Object.assign(new Error('An order has a sku and cents'), { status: 400 });
}

/** For the demo: in the file before the code goes on, so that a SIGKILL does not lose it. */
function note(what: string): void {
  const ledger = process.env['LEDGER'];
  if (ledger !== undefined) appendFileSync(ledger, `${JSON.stringify({ pid: process.pid, step: what })}\n`);
}
