import type { Scenario } from '../bench.js';
import { finding } from '../report/finding.js';

export const embedded: Scenario = {
  name: 'embedded',
  about: 'Perdure on its embedded Postgres (PGlite), which does not flush to the disk',
  async measure(bench) {
    const remote = bench.launch();
    try {
      const size = bench.isQuick ? { runs: 50, windowMs: 1_000 } : { runs: 300, windowMs: 5_000 };
      const { stepMs, stepsPerSecond } = await remote.do('embedded', size);
      return [
        finding(
          { name: 'embedded: sequential step', unit: 'ms', higherIsBetter: false },
          new Map([['perdure', [stepMs]]]),
        ),
        finding(
          { name: 'embedded: 64 in flight, 10 steps', unit: 'steps/s', higherIsBetter: true },
          new Map([['perdure', [stepsPerSecond]]]),
        ),
      ];
    } finally {
      await remote.close();
    }
  },
};
