/**
 * `npm run bench`: Perdure beside its peers and beside what Postgres itself can do, in turns, on one private server. Read the
 * ratios: the figures are those of this machine, which should do nothing else meanwhile.
 *
 * --quick (the default; a few minutes)   --full (for a report)   --only NAME,NAME   --list
 * --without NAME,NAME   of the peers   --node FILE   that all contenders run on
 * --json FILE   --markdown FILE   --svg FILE
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { startPostgres } from '../integration-tests/support/postgres-server.js';
import type { Bench } from './bench.js';
import { compileProcesses } from './compile.js';
import { contenderNames } from './contender.js';
import { describeMachine } from './machine.js';
import { installPeers, pinnedNode, versionsOf } from './peers.js';
import { Remote } from './process/remote.js';
import type { Finding } from './report/finding.js';
import { plotOf } from './report/plot.js';
import { tableOf } from './report/table.js';
import { scenarios } from './scenarios/index.js';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    full: { type: 'boolean', default: false },
    only: { type: 'string' },
    without: { type: 'string', default: '' },
    list: { type: 'boolean', default: false },
    node: { type: 'string' },
    json: { type: 'string' },
    markdown: { type: 'string' },
    svg: { type: 'string' },
  },
});

const wanted = options.only?.split(',');
const unknown = wanted?.find((name) => scenarios.every((scenario) => scenario.name !== name));
if (options.list) {
  for (const { name, about } of scenarios) process.stdout.write(`${name.padEnd(12)} ${about}\n`);
} else if (unknown !== undefined) {
  process.stderr.write(`There is no scenario "${unknown}". --list names them.\n`);
  process.exitCode = 1;
} else {
  await run();
}

async function run(): Promise<void> {
  installPeers();
  const execPath = options.node ?? pinnedNode();
  const file = compileProcesses();
  const contenders = contenderNames.filter((name) => !options.without.split(',').includes(name));
  const server = await startPostgres([
    'shared_preload_libraries=pg_stat_statements',
    'pg_stat_statements.track=none',
    'max_wal_size=8GB',
    'checkpoint_timeout=30min',
  ]);
  const sql = new pg.Client({ connectionString: server.url });
  await sql.connect();
  let databases = 0;
  const bench: Bench = {
    isQuick: !options.full,
    contenders,
    sql,
    execPath,
    async createDatabase() {
      const name = `bench_${(databases += 1)}`;
      await sql.query(`create database ${name}`);
      return Object.assign(new URL(server.url), { pathname: `/${name}` }).href;
    },
    launch: () => new Remote(file, execPath),
  };
  const findings: Finding[] = [];
  try {
    const machine = await describeMachine(sql, execPath);
    const versions = versionsOf(contenders);
    for (const scenario of scenarios.filter(({ name }) => wanted?.includes(name) ?? true)) {
      const since = performance.now();
      process.stderr.write(`${scenario.name}: ${scenario.about} …`);
      try {
        findings.push(...(await scenario.measure(bench)));
        process.stderr.write(` ${((performance.now() - since) / 1_000).toFixed(0)} s\n`);
        // Each time, so that a run which is broken off has been of use.
        if (options.markdown !== undefined) writeFileSync(options.markdown, tableOf(machine, versions, findings));
        if (options.svg !== undefined) writeFileSync(options.svg, plotOf(findings));
        if (options.json !== undefined) {
          const report = { machine: { ...machine, versions }, scenarios: findings };
          writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
        }
      } catch (error) {
        // The others are worth their time.
        process.stderr.write(`\n${error instanceof Error ? error.stack : String(error)}\n`);
        process.exitCode = 1;
      }
    }
    process.stdout.write(`\n${tableOf(machine, versions, findings)}`);
  } finally {
    await sql.end();
    await server.stop();
  }
}
