import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { among, type Bench, type Scenario } from '../bench.js';
import { type ContenderName, contenderNames } from '../contender.js';
import type { Remote } from '../process/remote.js';
import { median, quantile } from '../report/figures.js';
import { finding, type Finding } from '../report/finding.js';

const waits = {
  dispatch: 'enqueued in one process → begins in another',
  message: 'sent in one process → received in another',
  result: 'returns in one process → known in another',
} as const;
type Wait = keyof typeof waits;
type Sample = Readonly<Partial<Record<Wait, number>>>;

/** One system, with a client in one process and a worker in another. */
interface Pair {
  readonly client: Remote;
  readonly worker: Remote;
  readonly isJob: boolean;
}

async function openPair(bench: Bench, contender: ContenderName, isPolling: boolean): Promise<Pair> {
  const url = await bench.createDatabase();
  const [client, worker] = [bench.launch(), bench.launch()];
  await worker.open({ contender, url, role: 'worker', concurrency: 10, isPolling, tells: true });
  await client.open({ contender, url, role: 'client', isPolling });
  return { client, worker, isJob: contender === 'pg-boss' || contender === 'graphile-worker' };
}

/** One exchange of an idle system, in milliseconds. */
async function sample({ client, worker, isJob }: Pair): Promise<Sample> {
  const id = randomUUID();
  const enqueuedMs = await client.do('exchange', { id, act: 'enqueueWaiting' });
  if (isJob) return { dispatch: (await worker.told(id, 'began')) - enqueuedMs };
  const ended = client.do('exchange', { id, act: 'result' });
  const beganMs = await worker.told(id, 'began');
  await pause();
  const sentMs = await client.do('exchange', { id, act: 'send' });
  const receivedMs = await worker.told(id, 'received');
  const returnedMs = await worker.told(id, 'returning');
  return { dispatch: beganMs - enqueuedMs, message: receivedMs - sentMs, result: (await ended) - returnedMs };
}

/** Long enough for everything to become idle, and of no fixed length. */
const pause = (): Promise<void> => wait(50 + Math.random() * 100);

export const latency: Scenario = {
  name: 'latency',
  about: 'an idle system of two processes: how long until the other one knows',
  async measure(bench) {
    const names = among(bench, contenderNames);
    const pairs = new Map<string, Pair>();
    const samples = new Map<string, Sample[]>();
    const rounds = bench.isQuick ? 8 : 60;
    try {
      for (const name of names) pairs.set(name, await openPair(bench, name, false));
      pairs.set('perdure, polling at 1 s', await openPair(bench, 'perdure', true));
      // Postgres plans what is prepared on a connection anew five times.
      for (let warmUp = 0; warmUp < 6; warmUp += 1) await Promise.all([...pairs.values()].map(sample));
      for (let round = 0; round < rounds; round += 1) {
        for (const [name, pair] of pairs) {
          const latest = await sample(pair);
          samples.set(name, [...(samples.get(name) ?? []), latest]);
          await pause();
        }
      }
    } finally {
      for (const { client, worker } of pairs.values()) await Promise.all([client.close(), worker.close()]);
    }
    return (Object.keys(waits) as Wait[]).flatMap((it) => rowsOf(it, samples));
  },
};

function rowsOf(it: Wait, samples: ReadonlyMap<string, readonly Sample[]>): Finding[] {
  const taken = [...samples]
    .map(([name, all]) => [name, all.flatMap((sample) => sample[it] ?? [])] as const)
    .filter(([, all]) => all.length > 0);
  const row = (suffix: string, figure: (all: readonly number[]) => number): Finding =>
    finding(
      { name: `${waits[it]}${suffix}`, unit: 'ms', higherIsBetter: false },
      new Map(taken.map(([name, all]) => [name, [figure(all)]])),
    );
  return [row('', median), row(', p99', (all) => quantile(all, 0.99))];
}
