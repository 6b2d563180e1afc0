import express from 'express';
import { Perdure, step, workflow } from '@perdure/core';
import { expressAdapter } from '@perdure/express';

interface Order {
  sku: string;
}

const charge = step('charge', async (order: Order) => `${order.sku} charged by ${process.pid}`);

const checkout = workflow('checkout', async (order: Order) => ({ sku: order.sku, payment: await charge(order) }));

async function main() {
  const perdure = await Perdure.launch({ databaseUrl: process.env.DATABASE_URL, schema: process.env.SCHEMA });
  const http = expressAdapter(perdure, { authorize: () => true });
  const app = express();
  app.use(express.json(), http.bind());
  app.post(
    '/orders',
    http.durable(checkout, (req) => req.body as Order, { mode: 'auto' }),
  );
  app.use('/runs', http.runs());
  app.use(http.problems());
  const server = app.listen(Number(process.env.PORT ?? 3000));
  process.once('SIGTERM', () => void http.close(server));
}

void main();
