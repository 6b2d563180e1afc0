/** A process of one contender. It does what its parent orders, and ends with it. */
import type { Contender, Open } from '../contender.js';
import { deeds } from '../deeds/deeds.js';
import type { Doer } from '../deeds/doer.js';
import type { OpenOptions, Order, Report } from './messages.js';
import { monotonicMs } from './monotonic.js';
import { Watch } from './watch.js';

const send = (report: Report): void => void process.send?.(report);

let doer: Doer | null = null; // null = no contender is open, as for what measures Postgres itself

async function openContender(options: OpenOptions): Promise<number> {
  const sinceMs = performance.now();
  const watch = new Watch({
    mayPassHalfway: options.isSecond === true,
    tell: (id, moment) => {
      if (options.tells === true) send({ kind: 'moment', id, moment, atMs: monotonicMs() });
    },
  });
  const file = options.contender === 'perdure' ? 'perdure' : `peers/${options.contender}`;
  const { open } = (await import(`../contenders/${file}.js`)) as { open: Open };
  const contender: Contender = await open({
    url: options.url,
    role: options.role,
    concurrency: options.concurrency ?? 100,
    isBatched: options.isBatched ?? false,
    isPolling: options.isPolling ?? false,
    hooks: watch,
  });
  doer = { contender, watch };
  return performance.now() - sinceMs;
}

async function perform({ deed, argument }: Order): Promise<unknown> {
  if (deed === 'open') return await openContender(argument as OpenOptions);
  if (deed === 'close') return await doer?.contender.close();
  const found = deeds[deed as keyof typeof deeds] as (doer: Doer | null, argument: unknown) => unknown;
  return await found(doer, argument);
}

process.on('message', (order: Order) => {
  perform(order).then(
    (value) => send({ kind: 'done', no: order.no, value }),
    (error: unknown) =>
      send({ kind: 'failed', no: order.no, message: error instanceof Error ? (error.stack ?? '') : String(error) }),
  );
});
process.once('disconnect', () => process.exit());
