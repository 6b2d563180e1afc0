/** A process of the shop: `server.ts <port, 0 for any> <payment provider's url> <ledger file>`. */
import { appendFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { Perdure } from '@perdure/core';
import { Payments } from './payments.js';
import { createShop, defineCheckout } from './shop.js';

const [port = '3000', paymentsUrl = '', ledger = ''] = process.argv.slice(2);

// In the file before the code goes on, so that a SIGKILL does not lose it.
const checkout = defineCheckout(new Payments(paymentsUrl), (what) =>
  appendFileSync(ledger, `${JSON.stringify({ pid: process.pid, step: what })}\n`),
);
const perdure = await Perdure.launch({
  databaseUrl: process.env['DATABASE_URL'],
  folder: '.perdure/express-demo/postgres',
  schema: 'perdure_express_demo',
  // A dead process keeps its runs for as long as its lease lasts: 15 s by default, and less here, so that you wait less.
  lease: '3s',
});
const { app, http } = createShop(perdure, checkout);
const server = app.listen(Number(port), '127.0.0.1', (error) => {
  if (error) throw error;
  process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
});

process.once('SIGTERM', () => void leave());
// However the demo ends, this process ends with it.
process.once('disconnect', () => void leave());

async function leave(): Promise<void> {
  process.removeAllListeners('disconnect');
  await http.close(server);
  if (process.connected) process.disconnect();
}
