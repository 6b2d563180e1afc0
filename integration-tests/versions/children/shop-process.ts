/** A process with one build of the shop: it works, or checks its build. Spawned by `deploys.ts`. */
import { type CheckedRun, Perdure, PerdureClient } from '@perdure/core';
import { LedgerWriter } from '../../recovery/children/ledger-writer.js';
import type { ShopJob, ShopMessage } from '../deploys.js';
import { shop } from './shop.js';

const { url, schema, build, label, ledger, isCheck } = JSON.parse(process.argv[2]!) as ShopJob;
const say = (message: ShopMessage): void => void process.send?.(message);
const writer = new LedgerWriter(ledger, label);
const workflows = shop(build, (body) => writer.noted(body));

if (isCheck) {
  const client = await PerdureClient.connect({ databaseUrl: url, schema });
  const checked: CheckedRun[] = [];
  for await (const run of client.check({ workflows })) checked.push(run);
  await client.close();
  // It is long, and on its way for a while.
  process.send?.({ checked } satisfies ShopMessage, () => process.disconnect());
} else {
  const perdure = await Perdure.launch({
    databaseUrl: url,
    schema,
    workflows,
    lease: '2s',
    poll: '100ms',
    parkAfter: '200ms',
    adopt: 'compatible',
  });
  let isLeaving = false;
  process.once('disconnect', () => {
    // The parent is gone, and this process is of no use to anybody.
    if (!isLeaving) process.exit(1);
  });
  process.once('SIGTERM', () => {
    isLeaving = true;
    void perdure.shutdown().then(() => process.disconnect());
  });
  say('ready');
}
