import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { able, type Doer } from './doer.js';

export interface Load {
  readonly inFlight: number;
  readonly steps: number;
  /** How long is measured. */
  readonly windowMs: number;
  /** How long at least, and at most, it runs before: until as many runs are over as are in flight. */
  readonly warmUpMs: { readonly least: number; readonly most: number };
}

/** Keeps so many runs in flight, each new one begun when another is over. */
export async function rate(
  doer: Doer | null,
  { inFlight, steps, windowMs, warmUpMs }: Load,
): Promise<{ readonly runsPerSecond: number; readonly stepsPerSecond: number }> {
  const { act: run, watch } = able(doer, 'run');
  let isOver = false;
  let completed = 0;
  const keepRunning = async (): Promise<void> => {
    while (!isOver) {
      await run(randomUUID(), steps);
      completed += 1;
    }
  };
  const begunMs = performance.now();
  const running = Promise.all(Array.from({ length: inFlight }, keepRunning));
  await wait(warmUpMs.least);
  while (completed < inFlight && performance.now() - begunMs < warmUpMs.most) await wait(10);
  const before = { atMs: performance.now(), completed, steps: watch.steps };
  await wait(windowMs);
  const seconds = (performance.now() - before.atMs) / 1_000;
  const found = {
    runsPerSecond: (completed - before.completed) / seconds,
    stepsPerSecond: (watch.steps - before.steps) / seconds,
  };
  isOver = true;
  await running;
  return found;
}

/** Runs exactly so many. */
export async function manyRuns(
  doer: Doer | null,
  { runs, inFlight, steps }: { readonly runs: number; readonly inFlight: number; readonly steps: number },
): Promise<{ readonly cpuMs: number }> {
  const { act: run } = able(doer, 'run');
  const before = process.cpuUsage();
  let left = runs;
  const some = async (): Promise<void> => {
    while ((left -= 1) >= 0) await run(randomUUID(), steps);
  };
  await Promise.all(Array.from({ length: inFlight }, some));
  const { user, system } = process.cpuUsage(before);
  return { cpuMs: (user + system) / 1_000 };
}
