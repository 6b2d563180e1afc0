/**
 * `npm run bench:http`: what requests without a key pay for the adapters, beside the same framework without them. The
 * servers of a framework are in one process, in which an engine is launched, and take turns in short rounds. Read the ratios; the
 * rates are those of this machine. Each is given twice: by the rate of answers, which neighbours on the machine disturb, and by
 * the processor time that one took.
 *
 * --launches N (5) of each process   --rounds N (5) after each   --requests N (4000) in a round
 * --only TEXT   of the frameworks' names   --json FILE   --node FILE   a Node.js that the servers run on, instead of this one
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { startPostgres } from '../../support/postgres-server.js';
import { costOfAdapters, type Share } from './measure.js';
import { frameworks, variants } from './variants.js';

const { values: options } = parseArgs({
  options: {
    launches: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '5' },
    requests: { type: 'string', default: '4000' },
    only: { type: 'string', default: '' },
    json: { type: 'string' },
    node: { type: 'string', default: process.execPath },
  },
});

const inWords = ({ median, from, to }: Share): string =>
  `${percent(median)} (middle half: ${percent(from)} to ${percent(to)})`;

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

const postgres = await startPostgres();
try {
  const found: Record<string, unknown> = {};
  const size = {
    launches: Number(options.launches),
    rounds: Number(options.rounds),
    requests: Number(options.requests),
  };
  for await (const { framework, ...cost } of costOfAdapters(postgres.url, {
    ...size,
    frameworks: frameworks.filter((name) => name.includes(options.only)),
    variants: variants.filter((variant) => variant !== 'bare'),
    execPath: options.node,
  })) {
    process.stdout.write(`${framework.padEnd(18)} bare        ${cost.bareRequestsPerSecond} requests/s\n`);
    for (const [variant, { byRate, byCpu }] of cost.shares) {
      process.stdout.write(
        `${''.padEnd(18)} ${variant.padEnd(11)} ${inWords(byRate)} of it; by processor time ${inWords(byCpu)}\n`,
      );
    }
    found[framework] = { ...cost, shares: Object.fromEntries(cost.shares) };
  }
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(found, null, 2)}\n`);
} finally {
  await postgres.stop();
}
