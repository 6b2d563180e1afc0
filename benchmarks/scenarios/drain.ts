import { among, type Bench, pick, type Scenario, takeTurns } from '../bench.js';
import { type ContenderName, contenderNames } from '../contender.js';
import type { Remote } from '../process/remote.js';
import { finding } from '../report/finding.js';

/** How many items a contender gets: what it does in about a second. */
function itemsFor(contender: ContenderName, isQuick: boolean): number {
  const isSlow = contender === 'dbos' || contender === 'openworkflow';
  return (isSlow ? 800 : 3_000) * (isQuick ? 1 : 4);
}

interface Drained {
  readonly enqueuedPerSecond: number;
  readonly drainedPerSecond: number;
}

async function drainOnce(bench: Bench, contender: ContenderName, workers: number): Promise<Drained> {
  const count = itemsFor(contender, bench.isQuick);
  const url = await bench.createDatabase();
  // All have loaded before the first begins to work.
  const remotes = Array.from({ length: workers + 1 }, () => bench.launch());
  const [client, ...working] = remotes as [Remote, ...Remote[]];
  try {
    // The tables, and of some the queue, are there once a worker was.
    const first = bench.launch();
    await first.open({ contender, url, role: 'worker' });
    await first.close();
    await client.open({ contender, url, role: 'client' });
    const { perSecond } = await client.do('enqueueMany', { count, callers: 64 });
    const opening = { contender, url, role: 'worker', concurrency: 100, isBatched: true } as const;
    await Promise.all(working.map((worker) => worker.open(opening)));
    for (;;) {
      const done = await Promise.all(working.map((worker) => worker.do('untilWorked', { more: count })));
      if (done.reduce((sum, { steps }) => sum + steps, 0) < count) continue;
      const begunMs = Math.min(...done.map(({ firstAtMs }) => firstAtMs ?? Number.POSITIVE_INFINITY));
      const endedMs = Math.max(...done.map(({ lastAtMs }) => lastAtMs));
      return { enqueuedPerSecond: perSecond, drainedPerSecond: (count / (endedMs - begunMs)) * 1_000 };
    }
  } finally {
    for (const remote of remotes) await remote.close();
  }
}

export const drain: Scenario = {
  name: 'drain',
  about: 'a queue of runs with one step, or of jobs: filled by 64 callers, then worked off by 1 and by 2 processes',
  async measure(bench) {
    const names = among(bench, contenderNames);
    const rounds = bench.isQuick ? 1 : 5;
    const one = await takeTurns(names, rounds, (name) => drainOnce(bench, name, 1));
    const two = await takeTurns(names, rounds, (name) => drainOnce(bench, name, 2));
    const what = { unit: 'items/s', higherIsBetter: true } as const;
    return [
      finding(
        { ...what, name: 'enqueue, 64 callers' },
        pick(one, (it) => it.enqueuedPerSecond),
      ),
      finding(
        { ...what, name: 'queue drain, 1 worker' },
        pick(one, (it) => it.drainedPerSecond),
      ),
      finding(
        { ...what, name: 'queue drain, 2 workers' },
        pick(two, (it) => it.drainedPerSecond),
      ),
    ];
  },
};
