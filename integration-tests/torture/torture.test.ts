import { expect, it } from 'vitest';
import { torture } from './torture.js';

it(
  'loses, repeats, reorders and changes nothing while processes and Postgres are killed, stopped and cut off',
  { timeout: 120_000 },
  async () => {
    const report = await torture({
      seed: 'checks',
      forMs: 20_000,
      processes: 3,
      perSecond: 6,
      rates: { kill: 36, pause: 9, term: 6, cut: 6, terminate: 6, restart: 6, deploy: 3 },
      convergeMs: 60_000,
      poisons: 0,
    });
    expect(report.violations).toEqual([]);
    // Enough of it to show something.
    expect(report.faults).toMatchObject({ back: 2 });
    expect(report.kills).toBeGreaterThanOrEqual(10);
    expect(report.takenOver).toBeGreaterThan(0);
    expect(report.workflows).toBeGreaterThan(100);
  },
);
