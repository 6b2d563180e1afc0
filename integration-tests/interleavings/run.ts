/**
 * `npm run interleavings`: every pair of transitions of the engine's state, in two sessions of a real Postgres, in every order
 * of their statements and commits. Fails if what came of one of them is none of what comes of one after the other.
 *
 * --only TEXT: only the pairs whose names contain it   --json FILE
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { startPostgres } from '../support/postgres-server.js';
import { Examination, type Examined, pairsOf } from './examine.js';
import { scenes } from './scenes.js';

const { values: options } = parseArgs({ options: { only: { type: 'string', default: '' }, json: { type: 'string' } } });
const since = performance.now();
const external = process.env['TEST_DATABASE_URL'];
const server = external ? { url: external, stop: async () => {} } : await startPostgres();
const examined: Examined[] = [];
try {
  const examination = await Examination.open(server.url, 'interleavings');
  for (const pair of pairsOf(scenes).filter(({ name }) => name.includes(options.only))) {
    const found = await examination.examine(pair);
    examined.push(found);
    for (const violation of found.violations) process.stdout.write(`${violation}\n`);
    if (found.deadlocks > 0) process.stdout.write(`${found.name}: ${found.deadlocks} deadlocks\n`);
  }
  await examination.close();
} finally {
  await server.stop();
}
const sum = (of: (found: Examined) => number): number => examined.reduce((all, found) => all + of(found), 0);
const report = {
  pairs: examined.length,
  orders: sum(({ orders }) => orders),
  ordersWithWaits: sum(({ waits }) => waits),
  deadlocks: sum(({ deadlocks }) => deadlocks),
  violations: sum(({ violations }) => violations.length),
  seconds: Math.round((performance.now() - since) / 1_000),
};
process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify({ ...report, examined }, null, 2)}\n`);
if (report.violations > 0) process.exitCode = 1;
