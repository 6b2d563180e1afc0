import { among, type Scenario, withContenders } from '../bench.js';
import type { ContenderName } from '../contender.js';
import { finding } from '../report/finding.js';

const places = [10, 1_000, 10_000];

export const length: Scenario = {
  name: 'length',
  about: 'one run of 10,000 steps: what a step takes early and late',
  async measure(bench) {
    const names = among(bench, bench.isQuick ? ['perdure'] : ['perdure', 'dbos']);
    const found = await withContenders(bench, names, { role: 'engine' }, async (remotes) => {
      const medians = new Map<ContenderName, number[]>();
      for (const [name, remote] of remotes) {
        await remote.do('longRun', { steps: 500, places: [], around: 0 });
        medians.set(name, await remote.do('longRun', { steps: 10_000, places, around: 200 }));
      }
      return medians;
    });
    return places.map((place, index) =>
      finding(
        { name: `step with a history of ${place}`, unit: 'ms', higherIsBetter: false },
        new Map([...found].map(([name, medians]) => [name, [medians[index] ?? Number.NaN]])),
      ),
    );
  },
};
