/**
 * `npm run bench:http`: what requests without a key pay for the adapters, beside the same framework without them. The
 * servers take turns in short rounds on one machine. Read the ratios; the rates are those of this machine. Each is given twice:
 * by the rate of answers, which neighbours on the machine disturb, and by the processor time that the server took for one.
 *
 * --rounds N (20)   --requests N (4000) in a round   --only TEXT   of the frameworks' names   --json FILE
 * --node FILE   a Node.js that the servers run on, instead of this one
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { startPostgres } from '../../support/postgres-server.js';
import { costOfAdapters, type FrameworkCost, type Share } from './measure.js';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
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
  const found: Record<string, Omit<FrameworkCost, 'framework'>> = {};
  const size = { rounds: Number(options.rounds), requests: Number(options.requests) };
  for await (const { framework, ...cost } of costOfAdapters(postgres.url, {
    ...size,
    only: options.only,
    execPath: options.node,
  })) {
    process.stdout.write(`${framework.padEnd(18)} bare        ${cost.bareRequestsPerSecond} requests/s\n`);
    for (const [variant, { byRate, byCpu }] of Object.entries(cost.shares)) {
      process.stdout.write(
        `${''.padEnd(18)} ${variant.padEnd(11)} ${inWords(byRate)} of it; by processor time ${inWords(byCpu)}\n`,
      );
    }
    found[framework] = cost;
  }
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(found, null, 2)}\n`);
} finally {
  await postgres.stop();
}
