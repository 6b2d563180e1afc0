import { expect, it } from 'vitest';
import { audit } from './audit.js';

it(
  'lets no limit be passed at any instant and no item be lost or reordered, while processes are killed',
  { timeout: 180_000 },
  async () => {
    const verdict = await audit({ processes: 3, items: 1_200, keys: 30, perPeriod: 120, killEveryMs: 1_500 });
    expect(verdict.violations).toEqual([]);
    expect(verdict.kills).toBeGreaterThan(0);
    // Busy enough to have met the limits, or it would show nothing.
    expect(verdict.most).toEqual({ all: expect.any(Number), process: 6, key: 1, rate: 120 });
  },
);
