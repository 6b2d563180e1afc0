import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { type Bundle, bundleVictim } from '../crash-points/bundle.js';
import { type Attempt, Campaign } from '../crash-points/campaign.js';
import { allScenarios, Harness } from '../crash-points/harness.js';
import { manners } from './judgement/manners.js';
import { Witness } from './judgement/witness.js';

/** Children, retries, queues and parking: each hangs spans in another way. `npm run traced-crash-points` has all scenarios. */
const names = [
  'parent',
  'fails and starts afresh',
  'queued, within every limit',
  'parked until a message comes, with a parent that is parked too',
];
const scenarios = allScenarios.filter(({ name }) => names.includes(name));

describe('the traces of processes that are killed by SIGKILL', { timeout: 120_000 }, () => {
  let bundle: Bundle;
  let traced: Bundle;
  let moments: readonly Attempt[];
  beforeAll(async () => {
    [bundle, traced] = await Promise.all([bundleVictim(), bundleVictim('traced-victim')]);
    const campaign = new Campaign(Harness.onPostgres(bundle.file, inject('postgresUrl')), 'moments');
    moments = await campaign.enumerate(scenarios);
    await campaign.harness.close();
  });
  afterAll(() => {
    bundle.remove();
    traced.remove();
  });

  async function campaignWith(manner: keyof typeof manners): Promise<{ campaign: Campaign; witness: Witness }> {
    const witness = await Witness.listen(manners[manner]);
    const harness = Harness.onPostgres(bundle.file, inject('postgresUrl'), { bundle: traced.file, witness });
    onTestFinished(async () => {
      await harness.close();
      witness.close();
    });
    return { campaign: new Campaign(harness, manner), witness };
  }

  it.each(Object.keys(manners) as (keyof typeof manners)[])('are whole %s', async (manner) => {
    const { campaign, witness } = await campaignWith(manner);
    const attempts = campaign.chooseEvenly(moments, 1).slice(0, manners[manner].level === 'otel' ? 4 : 2);
    for (const attempt of attempts) await campaign.tryOne(attempt, 'process');
    expect(campaign.violations).toEqual([]);
    expect(campaign.counts.single + campaign.counts.unreached).toBe(attempts.length);
    expect(campaign.counts.single).toBeGreaterThan(0);
    // Where a moment is not reached, an earlier one is tried.
    expect(witness.cases).toBeGreaterThanOrEqual(attempts.length);
    expect(witness.counts['J2']!.checked).toBeGreaterThan(0);
  });

  it('are whole where what they had just enqueued is all that was heard of them', async () => {
    const { campaign } = await campaignWith('with @perdure/otel');
    const enqueuing = moments.find(({ death }) => death.phase === 'unheard' && death.name.includes('_enqueued_'));
    await campaign.tryOne(enqueuing!, 'process');
    expect(campaign.violations).toEqual([]);
    expect(campaign.counts.single).toBe(1);
  });
});
