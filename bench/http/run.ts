/**
 * `npm run bench:http`: what requests without a key pay for the adapters, beside the same framework without them. The
 * servers take turns in short rounds on one machine. Read the ratios; the rates are those of this machine.
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

type Rates = Readonly<Record<Variant, number[]>>;

async function measure(framework: Framework, databaseUrl: string): Promise<Rates> {
  const servers = new Map<Variant, Server>();
  const rates: Rates = { bare: [], storage: [], mounted: [], idempotent: [] };
  try {
    for (const variant of variants)
      servers.set(variant, await startServer({ framework, variant, databaseUrl }, options.node));
    const requests = Number(options.requests);
    const rateOf = (variant: Variant): Promise<number> =>
      load({ port: servers.get(variant)?.port ?? 0, request, requests });
    // Until everything is compiled that will be.
    for (const variant of [...variants, ...variants]) await rateOf(variant);
    for (let round = 0; round < Number(options.rounds); round += 1) {
      const order = round % 2 === 0 ? variants : variants.toReversed();
      for (const variant of order) rates[variant].push(await rateOf(variant));
    }
    return rates;
  } finally {
    for (const server of servers.values()) await server.close();
  }
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN;
}

/** What a variant keeps of the rate of the bare framework: the ratios of the rounds, of which neighbours had the same machine. */
function shareOf(rates: Rates, variant: Variant): { median: number; from: number; to: number } {
  const ratios = rates[variant].map((rate, round) => rate / (rates.bare[round] ?? Number.NaN));
  return { median: quantile(ratios, 0.5), from: quantile(ratios, 0.25), to: quantile(ratios, 0.75) };
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

const postgres = await startPostgres();
try {
  const found: Record<string, unknown> = {};
  for (const framework of frameworks.filter((name) => name.includes(options.only))) {
    const rates = await measure(framework, postgres.url);
    const bare = Math.round(quantile(rates.bare, 0.5));
    process.stdout.write(`${framework.padEnd(18)} bare        ${bare} requests/s\n`);
    const shares = variants.slice(1).map((variant) => {
      const { median, from, to } = shareOf(rates, variant);
      const range = `${percent(from)} to ${percent(to)}`;
      process.stdout.write(`${''.padEnd(18)} ${variant.padEnd(11)} ${percent(median)} of it (middle half: ${range})\n`);
      return [variant, { share: median, from, to }] as const;
    });
    found[framework] = { bareRequestsPerSecond: bare, ...Object.fromEntries(shares) };
  }
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(found, null, 2)}\n`);
} finally {
  await postgres.stop();
}
