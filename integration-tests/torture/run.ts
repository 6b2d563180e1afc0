/**
 * `npm run torture`: processes on one Postgres execute random programs, while processes are killed, stopped and told to
 * leave, connections are cut, and Postgres is restarted. Fails if the checker finds any violation.
 *
 * --minutes N (10)   --seed TEXT   --processes N (5)   --per-second N (22): sessions of clients   --json FILE   --report FILE
 */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { markdown } from './report.js';
import { torture } from './torture.js';

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: randomUUID().slice(0, 8) },
    processes: { type: 'string', default: '5' },
    'per-second': { type: 'string', default: '22' },
    json: { type: 'string' },
    report: { type: 'string' },
  },
});
const say = (line: string): void => void process.stdout.write(`${line}\n`);
say(`seed ${options.seed}`);
const report = await torture({
  seed: options.seed,
  forMs: Number(options.minutes) * 60_000,
  processes: Number(options.processes),
  perSecond: Number(options['per-second']),
  rates: { kill: 36, pause: 9, term: 6, cut: 5, terminate: 5, restart: 2.4, deploy: 1 },
  convergeMs: 120_000,
  poisons: 2,
  onProgress: say,
});
say(markdown(report));
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
if (options.report !== undefined) writeFileSync(options.report, markdown(report));
if (report.keptIn !== undefined) say(`evidence in ${report.keptIn}`);
if (report.violations.length > 0) process.exitCode = 1;
