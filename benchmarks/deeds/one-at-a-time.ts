import { randomUUID } from 'node:crypto';
import { able, type Doer } from './doer.js';
import { median } from '../report/figures.js';

/** Runs one after the other; a step's time is that from the beginning of its body to the beginning of the next one's. */
export async function sequentialRuns(
  doer: Doer | null,
  { runs, steps }: { readonly runs: number; readonly steps: number },
): Promise<{ readonly stepMs: number[]; readonly runMs: number[] }> {
  const stepMs: number[] = [];
  const runMs: number[] = [];
  for (let no = 0; no < runs; no += 1) {
    const since = performance.now();
    const begins = await beginsOfSteps(doer, steps);
    runMs.push(performance.now() - since);
    for (let step = 1; step < begins.length; step += 1) stepMs.push((begins[step] ?? 0) - (begins[step - 1] ?? 0));
  }
  return { stepMs, runMs };
}

/** One run of many steps; what a step takes around each of the given places. */
export async function longRun(
  doer: Doer | null,
  { steps, places, around }: { readonly steps: number; readonly places: readonly number[]; readonly around: number },
): Promise<number[]> {
  const begins = await beginsOfSteps(doer, steps);
  const stepMs = begins.map((begin, step) => (begins[step + 1] ?? Number.NaN) - begin);
  return places.map((place) => median(stepMs.slice(Math.max(0, place - around), place)));
}

async function beginsOfSteps(doer: Doer | null, steps: number): Promise<number[]> {
  const { act: run, watch } = able(doer, 'run');
  const begins: number[] = [];
  watch.onStep = () => void begins.push(performance.now());
  await run(randomUUID(), steps);
  watch.onStep = null;
  return begins;
}
