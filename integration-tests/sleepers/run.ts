/**
 * `npm run sleepers`: one process lets runs fall asleep until a time or a message, then all are woken at once: by the process
 * itself, and by another after the first was killed, or closed. Fails if a run was not woken exactly once, or if a parked one
 * takes more memory than nothing to speak of.
 *
 * --sleepers N (100000)   --receivers N (100000)   --asleep-for MS (180000)   --meanwhile stays,killed,closed   --json FILE
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { startPostgres } from '../support/postgres-server.js';
import { type NightOptions, night } from './night.js';

const { values: options } = parseArgs({
  options: {
    sleepers: { type: 'string', default: '100000' },
    receivers: { type: 'string', default: '100000' },
    'asleep-for': { type: 'string', default: '180000' },
    meanwhile: { type: 'string', default: 'stays,killed,closed' },
    json: { type: 'string' },
  },
});
const fates: Record<string, NightOptions['meanwhile']> = { stays: 'stays', killed: 'is killed', closed: 'is closed' };
const server = await startPostgres();
const report: Record<string, unknown> = {};
try {
  for (const name of options.meanwhile.split(',')) {
    const meanwhile = fates[name];
    if (meanwhile === undefined) throw new Error(`--meanwhile is stays, killed or closed, not ${name}`);
    const passed = await night({
      url: server.url,
      schema: `night_${name}`,
      sleepers: Number(options.sleepers),
      receivers: Number(options.receivers),
      asleepForMs: Number(options['asleep-for']),
      meanwhile,
    });
    report[`the process ${meanwhile}`] = passed;
    process.stdout.write(`the process ${meanwhile}: ${JSON.stringify(passed, null, 2)}\n`);
    if (passed.violations.length > 0) process.exitCode = 1;
  }
} finally {
  await server.stop();
}
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
