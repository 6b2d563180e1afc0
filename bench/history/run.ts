/**
 * `npm run bench:history`: what a database full of runs that have ended costs those that have not, beside one that is nearly
 * empty, on one Postgres, in turns. Read the ratios: the times are those of this machine.
 *
 * --runs N (1000000) that have ended   --rounds N (60)   --json FILE
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { startPostgres } from '../../integration-tests/support/postgres-server.js';
import { deeds, type Side } from './deeds.js';
import { History } from './history.js';
import { openSide } from './side.js';

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '60' },
    json: { type: 'string' },
  },
});

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const round = (value: number): number => Math.round(value * 100) / 100;

const server = await startPostgres(['max_wal_size=4GB']);
const sql = new pg.Client({ connectionString: server.url });
await sql.connect();
const sides: Side[] = [];
try {
  for (const schema of ['empty', 'full']) sides.push(await openSide(server.url, schema, sql));
  const [empty, full] = sides as [Side, Side];
  for (const { history } of sides) await history.make(History.templates);
  process.stderr.write(`copying until there are ${options.runs} runs …\n`);
  await full.history.copyUntil(Number(options.runs));
  const found: Record<string, { emptyMs: number; fullMs: number; ratio: number }> = {};
  for (const [name, deed] of Object.entries(deeds)) {
    const times = new Map<Side, number[]>([
      [empty, []],
      [full, []],
    ]);
    const warmUps = 5;
    for (let turn = -warmUps; turn < Number(options.rounds); turn += 1) {
      for (const side of turn % 2 === 0 ? [empty, full] : [full, empty]) {
        await deed.prepare?.(side);
        const since = performance.now();
        await deed.perform(side);
        if (turn >= 0) times.get(side)?.push(performance.now() - since);
      }
    }
    const [emptyMs, fullMs] = [median(times.get(empty) ?? []), median(times.get(full) ?? [])];
    found[name] = { emptyMs: round(emptyMs), fullMs: round(fullMs), ratio: round(fullMs / emptyMs) };
    process.stdout.write(
      `${name.padEnd(44)} ${emptyMs.toFixed(2).padStart(8)} ms   ${fullMs.toFixed(2).padStart(8)} ms   × ${(fullMs / emptyMs).toFixed(2)}\n`,
    );
  }
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(found, null, 2)}\n`);
} finally {
  for (const side of sides) await side.close();
  await sql.end();
  await server.stop();
}
