import { able, type Doer } from './doer.js';

/** What runs that sleep take in memory, while they are there. */
export async function sleepers(
  doer: Doer | null,
  { runs }: { readonly runs: number },
): Promise<{ readonly bytesEach: number; readonly startsPerSecond: number }> {
  const { act: start } = able(doer, 'startSleeping');
  const before = heapBytes();
  const since = performance.now();
  let next = 0;
  const startSome = async (): Promise<void> => {
    while (next < runs) await start(`sleeper-${next++}`, 3_600_000);
  };
  await Promise.all(Array.from({ length: 256 }, startSome));
  const startsPerSecond = (runs / (performance.now() - since)) * 1_000;
  return { bytesEach: (heapBytes() - before) / runs, startsPerSecond };
}

function heapBytes(): number {
  for (let times = 0; times < 4; times += 1) globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
