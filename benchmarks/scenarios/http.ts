import type { Scenario } from '../bench.js';
import { costOfAdapters } from '../../integration-tests/http/cost/measure.js';
import { finding, type Finding } from '../report/finding.js';

const rows = {
  mounted: 'middleware mounted',
  storage: 'AsyncLocalStorage alone, without Perdure',
  empty: 'middleware that does nothing, without Perdure',
} as const;

export const http: Scenario = {
  name: 'http',
  about:
    'what requests without a key keep of the rate of the bare framework (1 = all), by the processor time of the server',
  async measure(bench) {
    const found: Finding[] = [];
    const size = bench.isQuick
      ? { launches: 1, rounds: 9, requests: 1_000 }
      : { launches: 5, rounds: 5, requests: 4_000 };
    for await (const { framework, shares } of costOfAdapters(await bench.createDatabase(), {
      ...size,
      only: '',
      variants: Object.keys(rows) as (keyof typeof rows)[],
      execPath: bench.execPath,
    })) {
      for (const [variant, what] of Object.entries(rows)) {
        const share = shares.get(variant as keyof typeof rows)?.byCpu.median ?? Number.NaN;
        found.push(
          finding(
            { name: `${framework}: ${what}`, unit: 'of bare', higherIsBetter: true },
            new Map([['perdure', [share]]]),
            1,
          ),
        );
      }
    }
    return found;
  },
};
