import { among, pick, type Scenario, takeTurns, withContenders } from '../bench.js';
import { finding } from '../report/finding.js';

export const sleepers: Scenario = {
  name: 'sleepers',
  about: 'runs that sleep in one process: what each takes in memory, before it would leave it',
  async measure(bench) {
    const names = among(bench, ['perdure', 'dbos']);
    const runs = bench.isQuick ? 2_000 : 20_000;
    const found = await withContenders(bench, names, { role: 'engine' }, (remotes) =>
      takeTurns(names, 1, async (name) => {
        const measured = await remotes.get(name)?.do('sleepers', { runs });
        // They would sleep for an hour.
        await remotes.get(name)?.kill();
        return measured;
      }),
    );
    return [
      finding(
        { name: `memory of one of ${runs} sleepers`, unit: 'bytes', higherIsBetter: false },
        pick(found, (it) => it?.bytesEach ?? Number.NaN),
      ),
      finding(
        { name: `start of ${runs} sleepers`, unit: 'runs/s', higherIsBetter: true },
        pick(found, (it) => it?.startsPerSecond ?? Number.NaN),
      ),
    ];
  },
};
