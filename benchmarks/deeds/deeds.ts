import { multiRowCommits, singleRowCommits } from './commits.js';
import type { Doer } from './doer.js';
import { enqueueMany, exchange, untilWorked, worked } from './handing-over.js';
import { manyRuns, rate } from './many-at-once.js';
import { longRun, sequentialRuns } from './one-at-a-time.js';
import { recover, reachHalfway } from './recovery.js';
import { sleepers } from './sleepers.js';

/** Everything that a process can be told to do. */
export const deeds = {
  singleRowCommits: (_: Doer | null, argument: Parameters<typeof singleRowCommits>[0]) => singleRowCommits(argument),
  multiRowCommits: (_: Doer | null, argument: Parameters<typeof multiRowCommits>[0]) => multiRowCommits(argument),
  /** Loaded when it is wanted, so that no contender has another one in its process. */
  embedded: async (_: Doer | null, argument: { readonly runs: number; readonly windowMs: number }) =>
    (await import('./embedded.js')).embedded(argument),
  growth: async (_: Doer | null, argument: { readonly url: string; readonly runs: number; readonly rounds: number }) =>
    (await import('../growth/measure.js')).measureGrowth(argument),
  sequentialRuns,
  longRun,
  rate,
  manyRuns,
  enqueueMany,
  exchange,
  worked: (doer: Doer | null, _: null) => worked(doer),
  untilWorked,
  reachHalfway,
  recover,
  sleepers,
};

export type DeedName = keyof typeof deeds;
export type DeedArgument<Name extends DeedName> = Parameters<(typeof deeds)[Name]>[1];
export type DeedResult<Name extends DeedName> = Awaited<ReturnType<(typeof deeds)[Name]>>;
