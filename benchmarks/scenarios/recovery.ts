import { among, type Bench, pick, type Scenario, takeTurns } from '../bench.js';
import type { ContenderName } from '../contender.js';
import { finding } from '../report/finding.js';

async function recoverOnce(bench: Bench, contender: ContenderName, runs: number) {
  const url = await bench.createDatabase();
  const [doomed, heir] = [bench.launch(), bench.launch()];
  try {
    await doomed.open({ contender, url, role: 'engine' });
    await doomed.do('reachHalfway', { runs });
    await doomed.kill();
    await heir.open({ contender, url, role: 'engine', isSecond: true });
    return await heir.do('recover', { runs });
  } finally {
    await doomed.kill();
    await heir.close();
  }
}

export const recovery: Scenario = {
  name: 'recovery',
  about: 'a process is killed with runs at step 5 of 10; how long another one takes, from the first step to the last',
  async measure(bench) {
    const runs = bench.isQuick ? 1_000 : 10_000;
    const names = among(bench, ['perdure', 'dbos']);
    const found = await takeTurns(names, bench.isQuick ? 1 : 3, (name) => recoverOnce(bench, name, runs));
    const name = `recovery of ${runs} half-done runs`;
    return [
      finding(
        { name, unit: 's', higherIsBetter: false },
        pick(found, (it) => it.firstToLastMs / 1_000),
      ),
      finding(
        { name: `${name}, peak memory`, unit: 'MB', higherIsBetter: false },
        pick(found, (it) => it.peakBytes / 1e6),
      ),
    ];
  },
};
