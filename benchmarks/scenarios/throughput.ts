import { alone, among, type Bench, pick, type Scenario, takeTurns, withContenders } from '../bench.js';
import type { ContenderName } from '../contender.js';
import { Limits } from '../limits.js';
import type { Remote } from '../process/remote.js';
import { finding, type Finding } from '../report/finding.js';

interface Cell {
  readonly inFlight: number;
  readonly steps: number;
}

const all: readonly Cell[] = [1, 8, 64, 256, 1_000].flatMap((inFlight) =>
  [0, 1, 10].map((steps) => ({ inFlight, steps })),
);

/** Those of the targets. */
const quick: readonly Cell[] = [
  { inFlight: 64, steps: 1 },
  { inFlight: 64, steps: 10 },
  { inFlight: 256, steps: 1 },
  { inFlight: 256, steps: 10 },
  { inFlight: 1_000, steps: 1 },
  { inFlight: 1_000, steps: 10 },
];

async function measureCell(
  bench: Bench,
  { inFlight, steps }: Cell,
  limits: Limits,
  remotes: ReadonlyMap<ContenderName, Remote>,
): Promise<Finding> {
  const windowMs = bench.isQuick ? 700 : 3_000;
  const warmUpMs = { least: bench.isQuick ? 200 : 500, most: 4_000 };
  // A run of many steps among a thousand takes a peer so long that hardly one would end while it is measured.
  const isTooLong = inFlight * steps >= 2_561 && bench.isQuick;
  const asked = [...remotes.keys()].filter((name) => name === 'perdure' || !isTooLong);
  const quickRounds = inFlight * steps >= 1_000 ? 1 : 2;
  const found = await takeTurns(asked, bench.isQuick ? quickRounds : 5, async (name) => {
    return await alone(remotes, name, async (remote) => {
      await limits.measureManyRows(bench.isQuick ? 50 : 300);
      return await remote.do('rate', { inFlight, steps, windowMs, warmUpMs });
    });
  });
  const name = `${inFlight} in flight, ${steps} ${steps === 1 ? 'step' : 'steps'}`;
  // A row for its start and one for its outcome, besides those of the steps.
  const runsPerSecond = limits.rowsPerSecond / (steps + 2);
  return steps <= 1
    ? finding(
        { name, unit: 'runs/s', higherIsBetter: true },
        // Among many, hardly a run of a slow one ends while it is measured, but their steps do.
        pick(found, (it) => (steps === 0 ? it?.runsPerSecond : it?.stepsPerSecond) ?? Number.NaN),
        runsPerSecond,
      )
    : finding(
        { name, unit: 'steps/s', higherIsBetter: true },
        pick(found, (it) => it?.stepsPerSecond ?? Number.NaN),
        runsPerSecond * steps,
      );
}

/** Until what is measured first is compiled as well as what comes later. */
async function warmUp(remotes: ReadonlyMap<ContenderName, Remote>, name: ContenderName): Promise<void> {
  const load = { inFlight: 64, steps: 1, windowMs: 1_000, warmUpMs: { least: 0, most: 0 } };
  await alone(remotes, name, async (remote) => await remote.do('rate', load));
}

export const throughput: Scenario = {
  name: 'throughput',
  about: 'so many runs in flight in one process, of 0, 1 and 10 steps, beside commits of many rows',
  async measure(bench) {
    const names = among(bench, ['perdure', 'dbos', 'openworkflow']);
    const limits = await Limits.open(bench);
    const found: Finding[] = [];
    try {
      await limits.measureManyRows(500);
      await withContenders(bench, names, { role: 'engine', concurrency: 1_000 }, async (remotes) => {
        for (const name of remotes.keys()) await warmUp(remotes, name);
        for (const cell of bench.isQuick ? quick : all) found.push(await measureCell(bench, cell, limits, remotes));
      });
    } finally {
      await limits.close();
    }
    return found;
  },
};
