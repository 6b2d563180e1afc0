/**
 * `npm run bench:latency`: how long runs wait for the other process, beside the same engine without notifications and beside another
 * library, on one Postgres, in turns. Read the ratios: the times are those of this machine.
 *
 * --rounds N (40)   --json FILE
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { startPostgres } from '../integration-tests/support/postgres-server.js';
import type { Contender } from './contender.js';
import { dbosContender } from './dbos-contender.js';
import { measure } from './latency.js';
import { perdureContender } from './perdure-contender.js';
import { printed, report } from './report.js';

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '40' }, json: { type: 'string' } },
});
const server = await startPostgres();
const contenders: Contender[] = [];
try {
  const sql = new pg.Client({ connectionString: server.url });
  await sql.connect();
  await sql.query('create database dbos');
  await sql.end();
  contenders.push(await perdureContender(server.url, 'notified'));
  contenders.push(await perdureContender(server.url, 'polling'));
  contenders.push(await dbosContender(Object.assign(new URL(server.url), { pathname: '/dbos' }).href));
  const found = report(await measure(contenders, { rounds: Number(options.rounds), warmUps: 3 }));
  process.stdout.write(printed(found));
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(found, null, 2)}\n`);
} finally {
  await Promise.all(contenders.map((contender) => contender.close()));
  await server.stop();
}
