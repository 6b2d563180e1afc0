import type { Scenario } from '../bench.js';
import { costOfAdapters } from '../../integration-tests/http/cost/measure.js';
import { frameworks } from '../../integration-tests/http/cost/variants.js';
import { finding, type Finding } from '../report/finding.js';

const rows = {
  mounted: 'middleware mounted',
  storage: 'AsyncLocalStorage alone, without Perdure',
  empty: 'middleware that does nothing, without Perdure',
} as const;

type Measured = Omit<Parameters<typeof costOfAdapters<keyof typeof rows>>[1], 'execPath'>;

const variants = Object.keys(rows) as (keyof typeof rows)[];

const full: Measured = { launches: 5, rounds: 5, requests: 4_000, frameworks, variants };

/** So short that it tells a tenth from nothing, and no less. */
const quick: Measured = {
  launches: 2,
  rounds: 4,
  requests: 1_500,
  frameworks: ['Express 5', 'Nest on Fastify'],
  variants,
};

export const http: Scenario = {
  name: 'http',
  about:
    'what requests without a key keep of the rate of the bare framework (1 = all), by the processor time of the server',
  async measure(bench) {
    const found: Finding[] = [];
    const size = bench.isQuick ? quick : full;
    const options = { ...size, execPath: bench.execPath };
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
