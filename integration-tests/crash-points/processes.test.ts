import { describe, expect, it } from 'vitest';
import { campaignOn } from './deaths.js';

const campaignNow = campaignOn('postgres');

describe('a process that is killed at a statement by SIGKILL', () => {
  it('changes nothing about any scenario', { timeout: 600_000 }, async () => {
    const campaign = campaignNow();
    const attempts = campaign.choose(await campaign.enumerate(), 33);
    for (const attempt of attempts) await campaign.tryOne(attempt, 'process');
    expect(campaign.violations).toEqual([]);
    expect(campaign.counts.single).toBeGreaterThanOrEqual(30);
  });
});
