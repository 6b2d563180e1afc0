import { currentRun, type Perdure, step, workflow } from '@perdure/core';
import { currentRequest, expressAdapter, type ExpressHttp, reply } from '@perdure/express';
import express, { type Express } from 'express';
import type { Payments } from './payments.js';

export interface Order {
  readonly sku: string;
  readonly cents: number;
}

/** An order as a workflow: what is done is recorded, and goes on after a crash. */
export function defineCheckout(payments: Payments, note: (what: string) => void) {
  const reserve = step('reserve', async ({ sku }: Order) => {
    note('reserve');
    return `reservation of ${sku} for ${String(currentRequest()?.['customer'])}`;
  });

  const charge = step('charge', async ({ cents }: Order) => {
    note('charge');
    // The same key for every try, in every process: the provider charges once.
    return await payments.charge(cents, currentRun()?.idempotencyKey ?? '');
  });

  return workflow('checkout', async (order: Order) => {
    const reservation = await reserve(order);
    const payment = await charge(order);
    const shipment = await step.run('ship', async () => {
      note('ship');
      return `shipment of ${order.sku}`;
    });
    return reply(201, { reservation, payment, shipment });
  });
}

/** The shop's HTTP side. */
export function createShop(
  perdure: Perdure,
  checkout: ReturnType<typeof defineCheckout>,
): { readonly app: Express; readonly http: ExpressHttp } {
  const http = expressAdapter(perdure, {
    // A shop would know this from a session; it is what keeps the keys of two customers apart.
    principal: (req) => req.get('x-customer'),
    // Stored with the order, so that its steps know it in any process.
    context: (req) => ({ customer: req.get('x-customer') ?? 'nobody' }),
    authorize: 'owner',
  });
  const app = express();
  app.use(express.json(), http.bind());
  app.get('/health', (_req, res) => {
    const { status, reasons } = perdure.health();
    res.status(status === 'unhealthy' ? 503 : 200).json({ status, reasons });
  });
  app.post(
    '/orders',
    http.durable(checkout, (req) => parseOrder(req.body), { mode: 'auto' }),
  );
  app.use('/runs', http.runs());
  app.use(http.problems());
  return { app, http };
}

/** What is refused here has not begun, and leaves the key free for a corrected request. */
function parseOrder(body: unknown): Order {
  const { sku, cents } = (body ?? {}) as Record<string, unknown>;
  if (typeof sku === 'string' && Number.isSafeInteger(cents)) return { sku, cents: cents as number };
  throw Object.assign(new Error('An order has a sku and cents'), { status: 400 });
}
