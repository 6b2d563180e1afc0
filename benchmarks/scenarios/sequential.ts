import { among, pick, type Scenario, takeTurns, withContenders } from '../bench.js';
import type { ContenderName } from '../contender.js';
import { Limits } from '../limits.js';
import { median, quantile } from '../report/figures.js';
import { finding, type Finding } from '../report/finding.js';

/** How many runs a contender makes in a turn: what it does in about half a second. */
const runsOf = (contender: ContenderName): number => (contender === 'perdure' ? 150 : 20);

export const sequential: Scenario = {
  name: 'sequential',
  about: 'one run at a time, of 10 steps: what a step takes, beside a commit of one row on one connection',
  async measure(bench) {
    const names = among(bench, ['perdure', 'dbos', 'openworkflow']);
    const limits = await Limits.open(bench);
    try {
      const found = await withContenders(bench, names, { role: 'engine' }, async (remotes) => {
        for (const remote of remotes.values()) await remote.do('sequentialRuns', { runs: 20, steps: 10 });
        return await takeTurns(names, bench.isQuick ? 3 : 10, async (name) => {
          await limits.measureSingleRows();
          return await remotes.get(name)?.do('sequentialRuns', { runs: runsOf(name), steps: 10 });
        });
      });
      const row = (name: string, figure: (of: Sequential) => number, limit: number | null): Finding =>
        finding(
          { name, unit: 'ms', higherIsBetter: false },
          pick(found, (it) => (it === undefined ? Number.NaN : figure(it))),
          limit,
        );
      return [
        row('sequential step', ({ stepMs }) => median(stepMs), limits.singleRowMs),
        row('sequential step, p99', ({ stepMs }) => quantile(stepMs, 0.99), null),
        // A commit for its start, one for each step, and the last one's is the outcome's too.
        row('run of 10 steps, alone', ({ runMs }) => median(runMs), 11 * limits.singleRowMs),
      ];
    } finally {
      await limits.close();
    }
  },
};

interface Sequential {
  readonly stepMs: readonly number[];
  readonly runMs: readonly number[];
}
