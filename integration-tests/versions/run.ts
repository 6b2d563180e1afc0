/**
 * `npm run deploys`: three builds of a shop are deployed beside and after each other, in processes of their own, while orders
 * come in. Fails if a run is lost, goes on with other code than its own or with code that does not fit, or repeats a step.
 *
 * --orders N (500): per stretch of time, of which there are five
 */
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { startPostgres } from '../support/postgres-server.js';
import { playDeploys } from './deploys.js';

const { values: options } = parseArgs({ options: { orders: { type: 'string', default: '500' } } });
const orders = Number(options.orders);
const server = await startPostgres([]);
try {
  const since = performance.now();
  const report = await playDeploys(server.url, 'deploys', orders);
  const seconds = Math.round((performance.now() - since) / 1_000);
  process.stdout.write(`${JSON.stringify({ ...report, seconds }, null, 2)}\n`);
  const expected = {
    started: 5 * orders,
    completed: 5 * orders,
    tookNewWork: { first: ['1'], second: ['2'], third: ['3'], rolledBack: ['2'] },
    shippedFirst: { before: ['1'], after: ['2'] },
    shippedSecond: ['2'],
    verdicts: { second: ['compatible'], third: ['diverges at step 0'] },
    repeated: [],
  };
  if (!isDeepStrictEqual(report, expected)) process.exitCode = 1;
} finally {
  await server.stop();
}
