import { among, type Bench, type Scenario, takeTurns } from '../bench.js';
import type { ContenderName } from '../contender.js';
import { finding } from '../report/finding.js';

export const coldStart: Scenario = {
  name: 'cold-start',
  about: 'a new process on a database that has its tables: from loading the library to the result of a first run',
  async measure(bench) {
    const names = among(bench, ['perdure', 'dbos', 'openworkflow']);
    const urls = new Map<ContenderName, string>();
    for (const name of names) {
      urls.set(name, await bench.createDatabase());
      await startOnce(bench, name, urls.get(name) ?? '');
    }
    const found = await takeTurns(names, bench.isQuick ? 3 : 10, (name) =>
      startOnce(bench, name, urls.get(name) ?? ''),
    );
    return [finding({ name: 'cold start to a first result', unit: 'ms', higherIsBetter: false }, found)];
  },
};

async function startOnce(bench: Bench, contender: ContenderName, url: string): Promise<number> {
  const remote = bench.launch();
  try {
    const openedMs = await remote.open({ contender, url, role: 'engine' });
    const { runMs } = await remote.do('sequentialRuns', { runs: 1, steps: 1 });
    return openedMs + (runMs[0] ?? Number.NaN);
  } finally {
    await remote.close();
  }
}
