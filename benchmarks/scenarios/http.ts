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
    // One process can be unlucky with what is compiled and where it lies: several are needed before anything else is.
    const size = bench.isQuick
      ? { launches: 3, rounds: 3, requests: 1_500 }
      : { launches: 5, rounds: 5, requests: 4_000 };
    const variants = bench.isQuick ? (['mounted'] as const) : (['mounted', 'storage', 'empty'] as const);
    const options = { ...size, variants, only: '', execPath: bench.execPath };
    for await (const { framework, shares } of costOfAdapters(await bench.createDatabase(), options)) {
      for (const [variant, { byCpu }] of shares) {
        found.push(
          finding(
            { name: `${framework}: ${rows[variant]}`, unit: 'of bare', higherIsBetter: true },
            new Map([['perdure', [byCpu.median]]]),
            1,
          ),
        );
      }
    }
    return found;
  },
};
