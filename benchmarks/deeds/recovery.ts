import { setTimeout as wait } from 'node:timers/promises';
import { able, type Doer } from './doer.js';

/** Starts runs; resolves when all of them are in the step in their middle. */
export async function reachHalfway(doer: Doer | null, { runs }: { readonly runs: number }): Promise<void> {
  const { act: start, watch } = able(doer, 'startHalfDone');
  let next = 0;
  const startSome = async (): Promise<void> => {
    while (next < runs) await start(`half-done-${next++}`);
  };
  await Promise.all(Array.from({ length: 256 }, startSome));
  while (watch.reachedHalfway < runs) await wait(20);
}

/** Resolves when all of them have returned here. */
export async function recover(
  doer: Doer | null,
  { runs }: { readonly runs: number },
): Promise<{ readonly firstToLastMs: number; readonly peakBytes: number }> {
  const { watch } = doer as Doer;
  await watch.untilReturned(runs);
  return {
    firstToLastMs: watch.lastAtMs - (watch.firstAtMs ?? watch.lastAtMs),
    peakBytes: process.resourceUsage().maxRSS * 1_024,
  };
}
