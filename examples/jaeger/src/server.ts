import { stopTelemetry } from './telemetry.js';
import type { AddressInfo } from 'node:net';
import { Perdure } from '@perdure/core';
import { expressAdapter, logContext } from '@perdure/express';
import express from 'express';
import pino from 'pino';
import { checkout, type Order } from './shop.js';

const logger = pino({ mixin: logContext });
const perdure = await Perdure.launch({
  databaseUrl: process.env['DATABASE_URL'],
  folder: '.perdure/jaeger-demo/postgres',
  schema: 'perdure_jaeger_demo',
  logger,
  lease: '5s',
});

const http = expressAdapter(perdure, { principal: () => 'demo' });
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

const server = app.listen(Number(process.env['PORT'] ?? 3000), (error) => {
  if (error) throw error;
  const { port } = server.address() as AddressInfo;
  logger.info({ port }, 'the shop is open');
  process.send?.({ port });
});

process.once('SIGTERM', () => void leave());
process.once('disconnect', () => void leave());

async function leave(): Promise<void> {
  process.removeAllListeners('disconnect');
  await http.close(server);
  await stopTelemetry();
  if (process.connected) process.disconnect();
}

/** What is refused here has not begun, and leaves the key free for a corrected request. */
function parseOrder(body: unknown): Order {
  const { sku, cents } = (body ?? {}) as Record<string, unknown>;
  if (typeof sku === 'string' && Number.isSafeInteger(cents)) return { sku, cents: cents as number };
  throw Object.assign(new Error('An order has a sku and cents'), { status: 400 });
}
