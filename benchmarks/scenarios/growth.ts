import type { Scenario } from '../bench.js';
import { finding } from '../report/finding.js';

export const growth: Scenario = {
  name: 'growth',
  about: 'what a database full of runs that have ended costs, beside one that is nearly empty (1 = nothing)',
  async measure(bench) {
    const remote = bench.launch();
    try {
      const [runs, rounds] = bench.isQuick ? [60_000, 12] : [1_000_000, 60];
      const found = await remote.do('growth', { url: await bench.createDatabase(), runs, rounds });
      return found.map(({ name, emptyMs, fullMs }) =>
        finding(
          { name: `${name}, with ${runs} that have ended`, unit: '×', higherIsBetter: false },
          new Map([['perdure', [fullMs / emptyMs]]]),
          1,
        ),
      );
    } finally {
      await remote.close();
    }
  },
};
