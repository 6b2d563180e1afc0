import { load } from './load.js';
import { type Server, startServer } from './server.js';
import { type Framework, frameworks, type Variant, variants } from './variants.js';

export interface Size {
  readonly rounds: number;
  /** In a round. */
  readonly requests: number;
}

/** A ratio, as the median and the middle half of the rounds. */
export interface Share {
  readonly median: number;
  readonly from: number;
  readonly to: number;
}

/** What a variant keeps of what the bare framework does: by the rate of answers, and by the processor time of one. */
export interface Shares {
  readonly byRate: Share;
  readonly byCpu: Share;
}

export interface FrameworkCost {
  readonly framework: Framework;
  readonly bareRequestsPerSecond: number;
  readonly shares: Readonly<Record<Exclude<Variant, 'bare'>, Shares>>;
}

/** What was measured of each variant, round by round. */
type Rounds = Readonly<Record<Variant, number[]>>;

interface Measured {
  /** Requests per second. */
  readonly rates: Rounds;
  /** Requests per second of processor time. */
  readonly cpuRates: Rounds;
}

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

/**
 * What requests without a key pay for the adapters, framework by framework.
 *
 * @param only a part of the frameworks' names
 * @param execPath the Node.js that the servers run on
 */
export async function* costOfAdapters(
  databaseUrl: string,
  { only, execPath, ...size }: Size & { readonly only: string; readonly execPath: string },
): AsyncGenerator<FrameworkCost> {
  for (const framework of frameworks.filter((name) => name.includes(only))) {
    const { rates, cpuRates } = await measure(framework, databaseUrl, size, execPath);
    const shares = (variant: Variant): Shares => ({
      byRate: shareOf(rates, variant),
      byCpu: shareOf(cpuRates, variant),
    });
    yield {
      framework,
      bareRequestsPerSecond: Math.round(quantile(rates.bare, 0.5)),
      shares: { storage: shares('storage'), mounted: shares('mounted'), idempotent: shares('idempotent') },
    };
  }
}

const noRounds = (): Rounds => ({ bare: [], storage: [], mounted: [], idempotent: [] });

async function measure(
  framework: Framework,
  databaseUrl: string,
  { rounds, requests }: Size,
  execPath: string,
): Promise<Measured> {
  const servers = new Map<Variant, Server>();
  const [rates, cpuRates] = [noRounds(), noRounds()];
  try {
    for (const variant of variants)
      servers.set(variant, await startServer({ framework, variant, databaseUrl }, execPath));
    const measureOne = async (variant: Variant): Promise<{ rate: number; cpuRate: number }> => {
      const server = servers.get(variant) as Server;
      const before = await server.cpuMs();
      const rate = await load({ port: server.port, request, requests });
      return { rate, cpuRate: (requests / ((await server.cpuMs()) - before)) * 1_000 };
    };
    // Until everything is compiled that will be.
    for (const variant of [...variants, ...variants]) await measureOne(variant);
    for (let round = 0; round < rounds; round += 1) {
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

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN;
}

/** By the ratios of the rounds, of which neighbours had the same machine. */
function shareOf(rates: Rounds, variant: Variant): Share {
  const ratios = rates[variant].map((rate, round) => rate / (rates.bare[round] ?? Number.NaN));
  return { median: quantile(ratios, 0.5), from: quantile(ratios, 0.25), to: quantile(ratios, 0.75) };
}
