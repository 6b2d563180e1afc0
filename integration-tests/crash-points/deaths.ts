import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Bundle, bundleVictim } from './bundle.js';
import { type Attempt, Campaign, statementsWithoutDeath, unlistedStatements } from './campaign.js';
import { allScenarios, Harness } from './harness.js';

export type Kind = 'postgres' | 'pglite';

const names = allScenarios.map(({ name }) => name);
const seed = 'crash points';

/** A campaign of the file's own, closed after its tests. */
export function campaignOn(kind: Kind): () => Campaign {
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
    const played = new Set<string>();

    beforeAll(async () => {
      campaign = campaignNow();
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
}
