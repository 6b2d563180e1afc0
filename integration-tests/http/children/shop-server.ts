/** A shop as a process of its own, on Express; spawned by `shop-process.ts`. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Perdure, step, workflow } from '@perdure/core';
import { currentRequest, expressAdapter, requestCarrier } from '@perdure/express';
import express4 from 'express4';
import express5 from 'express5';
import type { ShopOptions } from '../shop-process.js';
import { shopTools } from './shop-tools.js';

const { url, schema, label, leaseMs, folder, framework } = JSON.parse(process.argv[2]!) as ShopOptions;
const { ledger, gate } = shopTools(folder, label);

const noted = <T>(name: string, body: () => T | Promise<T>): Promise<T> => step.run(name, () => ledger.noted(body));

const order = workflow('order', async (input: { sku: string }) => {
  const reservation = await noted('reserve', () => `${input.sku} reserved by ${label}`);
  const payment = await noted('charge', async () => {
    await gate('charge');
    return `charged by ${label}`;
  });
  await noted('ship', () => ledger.note('works for', currentRequest()?.requestId ?? 'nobody'));
  return { reservation, payment };
});

const perdure = await Perdure.launch({ databaseUrl: url, schema, lease: leaseMs, carriers: [requestCarrier] });
const express = (framework === 'Express 4' ? express4 : express5) as typeof express5;
const http = expressAdapter(perdure);
const app = express();
app.use(express.json(), http.bind());
app.post('/durable', http.durable(order));
app.post(
  '/handler',
  http.idempotent(async (req, res) => {
    const done = await order(req.body as { sku: string });
    await gate('respond');
    res
      .status(201)
      .set('location', '/orders/7')
      .json({ ...done, answeredBy: label });
  }),
);

const server = createServer(app);
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  process.send?.({ url: `http://127.0.0.1:${port}` });
});
process.once('SIGTERM', () => void leave());
process.once('disconnect', () => process.exit(1));

/** Leaves nothing behind that keeps the process alive; nobody calls `process.exit`. */
async function leave(): Promise<void> {
  await http.close(server, { graceMs: 200, drainMs: 200 });
  process.removeAllListeners('disconnect');
  process.disconnect();
}
