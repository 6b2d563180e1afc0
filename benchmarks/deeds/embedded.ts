import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbedded } from '../contenders/perdure.js';
import { Watch } from '../process/watch.js';
import { rate } from './many-at-once.js';
import { sequentialRuns } from './one-at-a-time.js';
import { median } from '../report/figures.js';

/** Perdure without a Postgres server: one run at a time, and many. */
export async function embedded({ runs, windowMs }: { runs: number; windowMs: number }): Promise<{
  readonly stepMs: number;
  readonly stepsPerSecond: number;
}> {
  const folder = await mkdtemp(join(tmpdir(), 'perdure-bench-'));
  const watch = new Watch({ mayPassHalfway: false, tell: () => {} });
  const contender = await openEmbedded(join(folder, 'data'), watch);
  try {
    const doer = { contender, watch };
    await sequentialRuns(doer, { runs: Math.ceil(runs / 5), steps: 10 });
    const { stepMs } = await sequentialRuns(doer, { runs, steps: 10 });
    const load = { inFlight: 64, steps: 10, windowMs, warmUpMs: { least: 500, most: 3_000 } };
    const { stepsPerSecond } = await rate(doer, load);
    return { stepMs: median(stepMs), stepsPerSecond };
  } finally {
    await contender.close();
    await rm(folder, { recursive: true });
  }
}
