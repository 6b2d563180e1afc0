/** A shop as a process of its own, on Express; spawned by `shop-process.ts`. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Perdure } from '@perdure/core';
import { expressAdapter, requestCarrier } from '@perdure/express';
import express4 from 'express4';
import express5 from 'express5';
import { LedgerWriter } from '../../recovery/children/ledger-writer.js';
import type { ShopOptions } from '../shop-options.js';
import { defineShop } from './shop.js';
import { shopTools } from './shop-tools.js';

const { url, schema, label, leaseMs, folder, framework } = JSON.parse(process.argv[2]!) as ShopOptions;

const { order, respond } = defineShop(shopTools(new LedgerWriter(join(folder, 'ledger'), label), folder), label);
const perdure = await Perdure.launch({ databaseUrl: url, schema, lease: leaseMs, carriers: [requestCarrier] });
const express = (framework === 'Express 4' ? express4 : express5) as typeof express5;
const http = expressAdapter(perdure);
const app = express();
app.use(express.json(), http.bind());
app.post('/durable', http.durable(order));
app.post(
  '/handler',
  http.idempotent(async (req, res) => {
    const answer = await respond(req.body as { sku: string });
    res.status(201).set('location', '/orders/7').json(answer);
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
