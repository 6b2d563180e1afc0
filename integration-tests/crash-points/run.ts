/**
 * `npm run crash-points`: every moment at which a process can die, in every scenario and on both databases; and from each
 * of them on, moments at which the process that takes over dies too. Prints what it did; fails if anything went wrong.
 *
 * --doubles N   second deaths for each first one; 1 by default
 * --share N     one in so many moments; each of them by default
 * --only TEXT   only the scenarios whose names contain this; may be given more than once
 * --seed TEXT   which second deaths, and which moments are repeated with processes
 * --lanes N     scenarios at a time on each database; 2 by default
 * --json FILE   the counts and everything that went wrong
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { startPostgres } from '../support/postgres-server.js';
import { bundleVictim } from './bundle.js';
import { Campaign, statementsWithoutDeath, unlistedStatements } from './campaign.js';
import { allScenarios, Harness } from './harness.js';

const { values: options } = parseArgs({
  options: {
    doubles: { type: 'string', default: '1' },
    share: { type: 'string', default: '1' },
    only: { type: 'string', multiple: true, default: [''] },
    seed: { type: 'string', default: 'crash points' },
    lanes: { type: 'string', default: '2' },
    json: { type: 'string' },
  },
});
const scenarios = allScenarios.filter(({ name }) => options.only.some((text) => name.includes(text)));
/** One in so many moments is tried again in a process of its own, killed by SIGKILL. */
const processShare = 7;
const share = Number(options.share);
const since = performance.now();

const bundle = await bundleVictim();
const url = process.env['TEST_DATABASE_URL'];
const server = url ? { url, stop: async () => {} } : await startPostgres();
const openHarness = {
  postgres: async () => Harness.onPostgres(bundle.file, server.url),
  pglite: async () => await Harness.onPglite(bundle.file),
};
const campaigns: Record<keyof typeof openHarness | 'postgres, by SIGKILL', Campaign[]> = {
  postgres: [],
  pglite: [],
  'postgres, by SIGKILL': [],
};
await Promise.all([tryAll('postgres'), tryAll('pglite'), tryAShare()]);
await server.stop();
bundle.remove();

const all = Object.values(campaigns).flat();
const isWhole = scenarios.length === allScenarios.length && share === 1;
const report = {
  seed: options.seed,
  scenarios: scenarios.length,
  seconds: Math.round((performance.now() - since) / 1000),
  counts: Object.fromEntries(Object.entries(campaigns).map(([name, some]) => [name, countsOf(some)])),
  statements: new Set(all.flatMap(({ died }) => [...died])).size,
  // With a part only, many statements are not met.
  withoutDeath: isWhole ? statementsWithoutDeath(new Set(all.flatMap(({ died }) => [...died]))) : [],
  unlisted: unlistedStatements(new Set(all.flatMap(({ seen }) => [...seen]))),
  violations: all.flatMap(({ violations }) => violations),
};
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
say(JSON.stringify(report, null, 2));
if (report.violations.length + report.withoutDeath.length + report.unlisted.length > 0) process.exitCode = 1;

async function tryAll(name: keyof typeof openHarness): Promise<void> {
  const queue = scenarios.values();
  const lane = async (): Promise<void> => {
    const harness = await openHarness[name]();
    for (const scenario of queue) {
      const campaign = new Campaign(harness, `${options.seed}, ${scenario.name}`);
      campaigns[name].push(campaign);
      const attempts = await campaign.enumerate([scenario]);
      for (const attempt of campaign.choose(attempts, Math.ceil(attempts.length / share))) {
        const next = await campaign.tryOne(attempt);
        await campaign.tryTwice(attempt, next, Number(options.doubles));
      }
      tell(`${name}: ${scenario.name}`, campaign);
    }
    await harness.close();
  };
  await Promise.all(Array.from({ length: Number(options.lanes) }, lane));
}

async function tryAShare(): Promise<void> {
  const name = 'postgres, by SIGKILL';
  const harness = await openHarness.postgres();
  const campaign = new Campaign(harness, options.seed);
  campaigns[name].push(campaign);
  const attempts = await campaign.enumerate(scenarios);
  for (const attempt of campaign.choose(attempts, Math.ceil(attempts.length / processShare / share))) {
    await campaign.tryOne(attempt, 'process');
  }
  tell(name, campaign);
  await harness.close();
}

function tell(what: string, { counts, violations }: Campaign): void {
  say(`${what} ${JSON.stringify(counts)}`);
  for (const violation of violations) say(violation);
}

function countsOf(some: readonly Campaign[]): Campaign['counts'] {
  const sum = { undisturbed: 0, single: 0, double: 0, unreached: 0 };
  for (const { counts } of some) for (const kind of Object.keys(sum) as (keyof typeof sum)[]) sum[kind] += counts[kind];
  return sum;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
