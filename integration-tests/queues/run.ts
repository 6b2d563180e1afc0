/**
 * `npm run queue-audit`: processes on one Postgres work a queue off within limits for all, for each process, for each key
 * and by rate, while one after the other is killed with SIGKILL. Fails if any limit was passed at any instant.
 *
 * --processes N (8)   --items N (20000)   --kill-every MS (3000)   --json FILE
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { audit } from './audit.js';

const { values: options } = parseArgs({
  options: {
    processes: { type: 'string', default: '8' },
    items: { type: 'string', default: '20000' },
    'kill-every': { type: 'string', default: '3000' },
    json: { type: 'string' },
  },
});
const since = performance.now();
const verdict = await audit({
  processes: Number(options.processes),
  items: Number(options.items),
  keys: 100,
  perPeriod: 300,
  killEveryMs: Number(options['kill-every']),
});
const report = JSON.stringify({ ...verdict, seconds: Math.round((performance.now() - since) / 1000) }, null, 2);
process.stdout.write(`${report}\n`);
if (options.json !== undefined) writeFileSync(options.json, `${report}\n`);
if (verdict.violations.length > 0) process.exitCode = 1;
