/**
 * `npm run traced-crash-points`: processes with an SDK of OpenTelemetry, killed by SIGKILL at the moments of the engine's
 * crash points, and the traces that are left, judged by the rules of judgement/rules.ts. Prints how often each rule was
 * looked at and broken; fails if any was.
 *
 * --share N     one in so many moments; 1, all of them, by default
 * --only TEXT   only the scenarios whose names contain this
 * --seed TEXT   which moments, where not all of them
 * --json FILE   the counts and everything that went wrong
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { bundleVictim } from '../crash-points/bundle.js';
import { Campaign } from '../crash-points/campaign.js';
import { allScenarios, Harness } from '../crash-points/harness.js';
import { startPostgres } from '../support/postgres-server.js';
import { Witness } from './judgement/witness.js';
import { manners } from './judgement/manners.js';

const { values: options } = parseArgs({
  options: {
    share: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    seed: { type: 'string', default: 'traced crash points' },
    json: { type: 'string' },
  },
});
const scenarios = allScenarios.filter(({ name }) => name.includes(options.only));
const since = performance.now();

const [bundle, traced] = await Promise.all([bundleVictim(), bundleVictim('traced-victim')]);
const external = process.env['TEST_DATABASE_URL'];
const server = external ? { url: external, stop: async () => {} } : await startPostgres();

const reports = await Promise.all(Object.keys(manners).map((name) => tryAll(name as keyof typeof manners)));
await server.stop();
bundle.remove();
traced.remove();

const seconds = Math.round((performance.now() - since) / 1000);
const report = { seed: options.seed, scenarios: scenarios.length, share: Number(options.share), seconds, reports };
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
for (const { violations, ...summary } of reports) say(JSON.stringify({ ...summary, violations: violations.length }));
say(`${seconds} s`);
if (reports.some(({ violations }) => violations.length > 0)) process.exitCode = 1;

async function tryAll(name: keyof typeof manners) {
  const witness = await Witness.listen(manners[name]);
  const harness = Harness.onPostgres(bundle.file, server.url, { bundle: traced.file, witness });
  const campaign = new Campaign(harness, options.seed);
  const violations: string[] = [];
  for (const scenario of scenarios) {
    const attempts = await campaign.enumerate([scenario]);
    await campaign.tryUndisturbed(scenario, 'process');
    const some = campaign.choose(attempts, Math.ceil(attempts.length / Number(options.share)));
    for (const attempt of some) await campaign.tryOne(attempt, 'process');
    for (const violation of campaign.violations.splice(0)) {
      violations.push(violation);
      say(violation);
    }
    say(`${name}: ${scenario.name}: ${some.length} of ${attempts.length} moments`);
  }
  await harness.close();
  witness.close();
  const { counts } = campaign;
  return {
    name,
    cases: witness.cases,
    deaths: counts.single,
    unreached: counts.unreached,
    rules: witness.counts,
    violations,
  };
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
