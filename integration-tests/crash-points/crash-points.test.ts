import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Bundle, bundleVictim } from './bundle.js';
import { type Attempt, Campaign, statementsWithoutDeath, unlistedStatements } from './campaign.js';
import { allScenarios, Harness } from './harness.js';

/**
 * A process dies at a statement: before it is sent, without hearing that it committed, or just after. Whatever the statement,
 * the run ends as if nothing had happened. Here each statement has its turn; `npm run crash-points` tries every moment.
 */
const names = allScenarios.map(({ name }) => name);
const seed = 'crash points';
let bundle: Bundle;
let onPostgres: Campaign;
let onPglite: Campaign;

beforeAll(async () => {
  bundle = await bundleVictim();
  onPostgres = new Campaign(Harness.onPostgres(bundle.file, inject('postgresUrl')), seed);
  onPglite = new Campaign(await Harness.onPglite(bundle.file), seed);
});
afterAll(async () => {
  await onPostgres.harness.close();
  await onPglite.harness.close();
  bundle.remove();
});

describe.each(['postgres', 'pglite'] as const)('a process that dies at a statement on %s', (kind) => {
  let campaign: Campaign;
  let chosen: Attempt[];
  const played = new Set<string>();

  beforeAll(async () => {
    campaign = kind === 'postgres' ? onPostgres : onPglite;
    const all = await campaign.enumerate();
    chosen =
      kind === 'postgres' ? campaign.chooseEvenly(all, 2, campaign.chooseSpread(all)) : campaign.chooseEvenly(all, 1);
  }, 300_000);

  it('ends every scenario as expected when it lives', () => {
    expect(campaign.violations).toEqual([]);
  });

  it.each(names)('changes nothing about "%s"', { timeout: 300_000 }, async (name) => {
    const before = campaign.violations.length;
    const [first, ...others] = chosen.filter(({ scenario }) => scenario.name === name);
    await campaign.tryTwice(first!, await campaign.tryOne(first!), 1);
    for (const attempt of others) await campaign.tryOne(attempt);
    expect(campaign.violations.slice(before)).toEqual([]);
    played.add(name);
  });

  it.runIf(kind === 'postgres')('died at every statement that the store can send', ({ skip }) => {
    skip(played.size < names.length, 'only some scenarios were played');
    expect(statementsWithoutDeath(campaign.died)).toEqual([]);
    expect(unlistedStatements(campaign.seen)).toEqual([]);
  });
});

describe('a process that is killed at a statement by SIGKILL', () => {
  it('changes nothing about any scenario', { timeout: 600_000 }, async () => {
    const campaign = new Campaign(onPostgres.harness, seed);
    const attempts = campaign.choose(await campaign.enumerate(), 33);
    for (const attempt of attempts) await campaign.tryOne(attempt, 'process');
    expect(campaign.violations).toEqual([]);
    expect(campaign.counts.single).toBeGreaterThanOrEqual(30);
  });
});
