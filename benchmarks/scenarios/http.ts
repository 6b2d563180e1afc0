import type { Scenario } from '../bench.js';
import { costOfAdapters } from '../../integration-tests/http/cost/measure.js';
import { finding, type Finding } from '../report/finding.js';

export const http: Scenario = {
  name: 'http',
  about:
    'what requests without a key keep of the rate of the bare framework (1 = all), by the processor time of the server',
  async measure(bench) {
    const found: Finding[] = [];
    const size = bench.isQuick ? { rounds: 4, requests: 1_200 } : { rounds: 20, requests: 4_000 };
    for await (const { framework, shares } of costOfAdapters(await bench.createDatabase(), {
      ...size,
      only: '',
      execPath: bench.execPath,
    })) {
      const row = (what: string, share: number): Finding =>
        finding(
          { name: `${framework}: ${what}`, unit: 'of bare', higherIsBetter: true },
          new Map([['perdure', [share]]]),
          1,
        );
      found.push(row('middleware mounted', shares.mounted.byCpu.median));
      found.push(row('AsyncLocalStorage alone, without Perdure', shares.storage.byCpu.median));
    }
    return found;
  },
};
