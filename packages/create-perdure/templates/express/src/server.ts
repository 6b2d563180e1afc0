import { stopTracing } from './tracing.js';
import { Perdure } from '@perdure/core';
import { expressAdapter } from '@perdure/express';
import express from 'express';
import { checkout, parseOrder } from './checkout.js';

const perdure = await Perdure.launch({
  databaseUrl: process.env.DATABASE_URL, // unset: an embedded Postgres in .perdure/
  lease: '5s', // how long a dead process keeps its runs; 15 s if you leave this out
});

const http = expressAdapter(perdure, {
  principal: () => 'everybody', // whose key it is: answer with the id of the user who is signed in
  authorize: 'owner', // who may see a run
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

const server = app.listen(Number(process.env.PORT ?? 3000), (error) => {
  if (error) throw error;
  console.log(`process ${process.pid}: http://localhost:${process.env.PORT ?? 3000}`);
});

for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => void leave());

async function leave(): Promise<void> {
  await http.close(server); // what is under way gets some time, and runs go on in other processes
  await stopTracing();
  process.exit();
}
