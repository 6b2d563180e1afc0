import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Bundle, bundleVictim } from './bundle.js';
import { type Attempt, Campaign, statementsWithoutDeath, unlistedStatements } from './campaign.js';
import { allScenarios, Harness } from './harness.js';

export type Kind = 'postgres' | 'pglite';

const names = allScenarios.map(({ name }) => name);
const seed = 'crash points';
/** How many moments are tried again in a process of its own, killed by SIGKILL. */
const killed = 12;
/** One scenario of so many has the process that takes over die too. */
const fewTwice = 3;

/** A campaign of the file's own, closed after its tests. */
function campaignOn(kind: Kind): () => Campaign {
  let bundle: Bundle;
  let campaign: Campaign;
  beforeAll(async () => {
    bundle = await bundleVictim();
    const harness =
      kind === 'postgres'
        ? Harness.onPostgres(bundle.file, inject('postgresUrl'))
        : await Harness.onPglite(bundle.file);
    campaign = new Campaign(harness, seed);
  });
  afterAll(async () => {
    await campaign.harness.close();
    bundle.remove();
  });
  return () => campaign;
}

/**
 * A process dies at a statement: before it is sent, without hearing that it committed, or just after. Whatever the statement,
 * the run ends as if nothing had happened. Here each statement has its turn; `npm run crash-points` tries every moment.
 */
export function testDeathsOn(kind: Kind): void {
  const campaignNow = campaignOn(kind);

  describe(`a process that dies at a statement on ${kind}`, () => {
    let campaign: Campaign;
    let chosen: Attempt[];
    let shared: Attempt[]; // tried again with a real process
    const played = new Set<string>();

    beforeAll(async () => {
      campaign = campaignNow();
      const all = await campaign.enumerate();
      chosen =
        kind === 'postgres' ? campaign.chooseEvenly(all, 1, campaign.chooseSpread(all)) : campaign.chooseEvenly(all, 1);
      shared = kind === 'postgres' ? campaign.choose(all, killed) : [];
    }, 300_000);

    it('ends every scenario as expected when it lives', () => {
      expect(campaign.violations).toEqual([]);
    });

    it.each(names)('changes nothing about "%s"', { timeout: 300_000 }, async (name) => {
      const before = campaign.violations.length;
      const [first, ...others] = chosen.filter(({ scenario }) => scenario.name === name);
      const isTwice = kind === 'postgres' && names.indexOf(name) % fewTwice === 0;
      await campaign.tryTwice(first!, await campaign.tryOne(first!), isTwice ? 1 : 0);
      for (const attempt of others) await campaign.tryOne(attempt);
      expect(campaign.violations.slice(before)).toEqual([]);
      played.add(name);
    });

    it.runIf(kind === 'postgres')(
      'changes nothing about any when it is killed by SIGKILL',
      { timeout: 600_000 },
      async () => {
        const before = { ...campaign.counts, violations: campaign.violations.length };
        for (const attempt of shared) await campaign.tryOne(attempt, 'process');
        expect(campaign.violations.slice(before.violations)).toEqual([]);
        expect(campaign.counts.single - before.single).toBeGreaterThanOrEqual(0.9 * killed);
      },
    );

    it.runIf(kind === 'postgres')('died at every statement that the store can send', ({ skip }) => {
      skip(played.size < names.length, 'only some scenarios were played');
      expect(statementsWithoutDeath(campaign.died)).toEqual([]);
      expect(unlistedStatements(campaign.seen)).toEqual([]);
    });
  });
}
