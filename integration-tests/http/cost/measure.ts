import { load } from './load.js';
import { type Servers, startServers } from './servers.js';
import type { Framework, Variant } from './variants.js';

export interface Size {
  /** How often the servers are started anew. */
  readonly launches: number;
  /** For each launch. */
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

export interface FrameworkCost<V extends Variant> {
  readonly framework: Framework;
  readonly bareRequestsPerSecond: number;
  readonly shares: ReadonlyMap<V, Shares>;
}

/** What each server is asked before it counts: until everything is compiled that will be. */
const warmUpRequests = 8_000;

/** What was measured of each variant, round by round. */
type Rounds = ReadonlyMap<Variant, number[]>;

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
 * @param variants beside the bare framework
 * @param execPath the Node.js that the servers run on
 */
export async function* costOfAdapters<V extends Variant>(
  databaseUrl: string,
  {
    frameworks,
    variants,
    execPath,
    ...size
  }: Size & {
    readonly frameworks: readonly Framework[];
    readonly variants: readonly V[];
    readonly execPath: string;
  },
): AsyncGenerator<FrameworkCost<V>> {
  for (const framework of frameworks) {
    const { rates, cpuRates } = await measure(framework, ['bare', ...variants], databaseUrl, size, execPath);
    const shares = (variant: Variant): Shares => ({
      byRate: shareOf(rates, variant),
      byCpu: shareOf(cpuRates, variant),
    });
    yield {
      framework,
      bareRequestsPerSecond: Math.round(quantile(rates.get('bare') ?? [], 0.5)),
      shares: new Map(variants.map((variant) => [variant, shares(variant)])),
    };
  }
}

async function measure(
  framework: Framework,
  variants: readonly Variant[],
  databaseUrl: string,
  { launches, ...size }: Size,
  execPath: string,
): Promise<Measured> {
  const noRounds = (): Rounds => new Map(variants.map((variant) => [variant, []]));
  const measured = { rates: noRounds(), cpuRates: noRounds() };
  for (let launch = 0; launch < launches; launch += 1) {
    const servers = await startServers({ framework, variants, databaseUrl }, execPath);
    try {
      await measureRounds(servers, size, measured);
    } finally {
      await servers.close();
    }
  }
  return measured;
}

async function measureRounds(
  { ports, cpuMs }: Servers,
  { rounds, requests }: Omit<Size, 'launches'>,
  { rates, cpuRates }: Measured,
): Promise<void> {
  const measureOne = async (port: number): Promise<{ rate: number; cpuRate: number }> => {
    const before = await cpuMs();
    const rate = await load({ port, request, requests });
    return { rate, cpuRate: (requests / ((await cpuMs()) - before)) * 1_000 };
  };
  const inOrder = [...ports];
  for (let warmed = 0; warmed < warmUpRequests; warmed += requests) {
    for (const [, port] of inOrder) await measureOne(port);
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const [variant, port] of round % 2 === 0 ? inOrder : inOrder.toReversed()) {
      const { rate, cpuRate } = await measureOne(port);
      rates.get(variant)?.push(rate);
      cpuRates.get(variant)?.push(cpuRate);
    }
  }
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN;
}

/** By the ratios of the rounds, of which neighbours had the same machine. */
function shareOf(rates: Rounds, variant: Variant): Share {
  const bare = rates.get('bare') ?? [];
  const ratios = (rates.get(variant) ?? []).map((rate, round) => rate / (bare[round] ?? Number.NaN));
  return { median: quantile(ratios, 0.5), from: quantile(ratios, 0.25), to: quantile(ratios, 0.75) };
}
