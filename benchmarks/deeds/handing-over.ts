import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { monotonicMs } from '../process/monotonic.js';
import { able, type Doer } from './doer.js';

/** Enqueues one by one, by so many callers at once. */
export async function enqueueMany(
  doer: Doer | null,
  { count, callers }: { readonly count: number; readonly callers: number },
): Promise<{ readonly perSecond: number }> {
  const { act: enqueue } = able(doer, 'enqueue');
  let left = count;
  const since = performance.now();
  const call = async (): Promise<void> => {
    while ((left -= 1) >= 0) await enqueue(randomUUID());
  };
  await Promise.all(Array.from({ length: callers }, call));
  return { perSecond: (count / (performance.now() - since)) * 1_000 };
}

/** One act of an exchange between two processes; the time before it, or after it where that is what counts. */
export async function exchange(
  doer: Doer | null,
  { id, act }: { readonly id: string; readonly act: 'enqueueWaiting' | 'send' | 'result' },
): Promise<number> {
  const sinceMs = monotonicMs();
  await able(doer, act).act(id);
  return act === 'result' ? monotonicMs() : sinceMs;
}

export interface Worked {
  readonly steps: number;
  readonly firstAtMs: number | null;
  readonly lastAtMs: number;
}

/** What this worker has done so far. */
export async function worked(doer: Doer | null): Promise<Worked> {
  const { watch } = doer as Doer;
  return { steps: watch.steps, firstAtMs: watch.firstAtMs, lastAtMs: watch.lastAtMs };
}

/** Waits until this worker has done more than before, or for a moment at most. */
export async function untilWorked(doer: Doer | null, { more }: { readonly more: number }): Promise<Worked> {
  const { watch } = doer as Doer;
  const before = watch.steps;
  for (let tries = 0; tries < 20 && watch.steps < before + more; tries += 1) await wait(10);
  return await worked(doer);
}
