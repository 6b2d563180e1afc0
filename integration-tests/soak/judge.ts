import type { Sample } from './samples.js';

/** A figure as it was after the warm-up, and at the end. */
export interface Trend {
  readonly early: number;
  readonly late: number;
  readonly isFlat: boolean;
}

export interface SoakVerdict {
  readonly samples: number;
  readonly heapMb: Trend;
  readonly rssMb: Trend;
  readonly handles: Trend;
  readonly connections: Trend;
  readonly deadRatio: { readonly most: number; readonly last: number; readonly isBounded: boolean };
  readonly isSteady: boolean;
}

/** More of the engine's rows than this must not be dead. */
const deadRatioMax = 0.2;

/**
 * Compares the second quarter of the time, when everything is warm, with the last one. Memory is allowed a tenth and 2 MB
 * more, as it depends on what happens to be going on; handles and connections are allowed two.
 */
export function judgeSoak(samples: readonly Sample[]): SoakVerdict {
  const quarter = Math.floor(samples.length / 4);
  const [early, late] = [samples.slice(quarter, 2 * quarter), samples.slice(-quarter)];
  const trend = (of: (sample: Sample) => readonly number[], allowed: (value: number) => number): Trend => {
    const [before, after] = [early, late].map((some) => median(some.map((sample) => mean(of(sample)))));
    return { early: round(before!), late: round(after!), isFlat: after! <= allowed(before!) };
  };
  const heapMb = trend(
    (sample) => sample.heapMb,
    (mb) => mb * 1.1 + 2,
  );
  // A figure of the operating system, which does not take every page back: told, and not judged.
  const rssMb = trend(
    (sample) => sample.rssMb,
    () => Infinity,
  );
  const handles = trend(
    (sample) => sample.handles,
    (count) => count + 2,
  );
  const connections = trend(
    (sample) => sample.connections,
    (count) => count + 2,
  );
  const ratios = late.map(({ deadRatio }) => deadRatio);
  const most = Math.max(...ratios);
  const isBounded = most <= deadRatioMax;
  const isSteady = quarter > 0 && isBounded && [heapMb, handles, connections].every(({ isFlat }) => isFlat);
  const deadRatio = { most, last: ratios.at(-1) ?? 0, isBounded };
  return { samples: samples.length, heapMb, rssMb, handles, connections, deadRatio, isSteady };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const round = (value: number): number => Math.round(value * 10) / 10;
