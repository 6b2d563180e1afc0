import type { Job, Report } from '../jobs.js';
import type { CrashPoint } from '../points.js';
import type { RemotePGlite } from './remote-pglite.js';
import { crashScenarios } from './scenarios.js';
import { Stage, type Surroundings } from './stage.js';
import { Trap } from './trap.js';

/** Plays a process's part of a scenario. */
export async function playPart(
  job: Job,
  pglite: RemotePGlite | null,
  onDeath: (at: CrashPoint) => void,
  around?: Surroundings,
): Promise<Report> {
  const die = (at: CrashPoint): void => {
    onDeath(at);
    standStill();
  };
  try {
    // Only the process under test loses replies, and the scenario says which.
    let isReplyLost = (_name: string, _nth: number): boolean => false;
    const trap = new Trap({ crashAt: job.crashAt, die, isReplyLost: (name, nth) => isReplyLost(name, nth) });
    const stage = new Stage(job, trap, pglite, around);
    const scenario = crashScenarios(stage).find(({ name }) => name === job.scenario)!;
    if (job.role === 'tested') isReplyLost = (name, nth) => scenario.isReplyLost(name, nth);
    const { itemsPerFlush: flushItemsMax, parkAfter } = scenario;
    const undo = scenario.setUp();
    try {
      await stage.launch(scenario.workflows(job.role), { flushItemsMax, parkAfter });
      const ending = await scenario.play(stage);
      await stage.close();
      return { kind: 'ended', ending, points: trap.points, openSpans: [] };
    } finally {
      undo();
    }
  } catch (error) {
    return { kind: 'failed', message: (error as Error).stack ?? String(error) };
  }
}

/** Nothing of this thread goes on from here, not even a callback. */
function standStill(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
