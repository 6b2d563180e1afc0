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
import { startPostgres } from '../../integration-tests/support/postgres-server.js';
import { load } from './load.js';
import { type Server, startServer } from './server.js';
import { type Framework, frameworks, type Variant, variants } from './variants.js';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    requests: { type: 'string', default: '4000' },
    only: { type: 'string', default: '' },
    json: { type: 'string' },
    node: { type: 'string', default: process.execPath },
  },
});

const body = JSON.stringify({ sku: 'lamp', quantity: 2, note: 'x'.repeat(100) });
const request = [
  'POST /orders HTTP/1.1',
  'host: shop.example',
  'content-type: application/json',
  'x-user: alice',
  `content-length: ${Buffer.byteLength(body)}`,
  '',
  body,
].join('\r\n');

/** What was measured of each variant, round by round. */
type Rounds = Readonly<Record<Variant, number[]>>;

interface Measured {
  /** Requests per second. */
  readonly rates: Rounds;
  /** Requests per second of processor time. */
  readonly cpuRates: Rounds;
}

const noRounds = (): Rounds => ({ bare: [], storage: [], mounted: [], idempotent: [] });

async function measure(framework: Framework, databaseUrl: string): Promise<Measured> {
  const servers = new Map<Variant, Server>();
  const [rates, cpuRates] = [noRounds(), noRounds()];
  try {
    for (const variant of variants)
      servers.set(variant, await startServer({ framework, variant, databaseUrl }, options.node));
    const requests = Number(options.requests);
    const measureOne = async (variant: Variant): Promise<{ rate: number; cpuRate: number }> => {
      const server = servers.get(variant) as Server;
      const before = await server.cpuMs();
      const rate = await load({ port: server.port, request, requests });
      return { rate, cpuRate: (requests / ((await server.cpuMs()) - before)) * 1_000 };
    };
    // Until everything is compiled that will be.
    for (const variant of [...variants, ...variants]) await measureOne(variant);
    for (let round = 0; round < Number(options.rounds); round += 1) {
      const order = round % 2 === 0 ? variants : variants.toReversed();
      for (const variant of order) {
        const { rate, cpuRate } = await measureOne(variant);
        rates[variant].push(rate);
        cpuRates[variant].push(cpuRate);
      }
    }
    return { rates, cpuRates };
  } finally {
    for (const server of servers.values()) await server.close();
  }
}

/** A ratio, as the median and the middle half of the rounds. */
interface Share {
  readonly median: number;
  readonly from: number;
  readonly to: number;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN;
}

/** What a variant keeps of the rate of the bare framework: by the ratios of the rounds, of which neighbours had the same machine. */
function shareOf(rates: Rounds, variant: Variant): Share {
  const ratios = rates[variant].map((rate, round) => rate / (rates.bare[round] ?? Number.NaN));
  return { median: quantile(ratios, 0.5), from: quantile(ratios, 0.25), to: quantile(ratios, 0.75) };
}

const inWords = ({ median, from, to }: Share): string =>
  `${percent(median)} (middle half: ${percent(from)} to ${percent(to)})`;

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

const postgres = await startPostgres();
try {
  const found: Record<string, unknown> = {};
  for (const framework of frameworks.filter((name) => name.includes(options.only))) {
    const { rates, cpuRates } = await measure(framework, postgres.url);
    const bare = Math.round(quantile(rates.bare, 0.5));
    process.stdout.write(`${framework.padEnd(18)} bare        ${bare} requests/s\n`);
    const shares = variants.slice(1).map((variant) => {
      const [byRate, byCpu] = [shareOf(rates, variant), shareOf(cpuRates, variant)];
      process.stdout.write(
        `${''.padEnd(18)} ${variant.padEnd(11)} ${inWords(byRate)} of it; by processor time ${inWords(byCpu)}\n`,
      );
      return [variant, { byRate, byCpu }] as const;
    });
    found[framework] = { bareRequestsPerSecond: bare, ...Object.fromEntries(shares) };
  }
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(found, null, 2)}\n`);
} finally {
  await postgres.stop();
}
