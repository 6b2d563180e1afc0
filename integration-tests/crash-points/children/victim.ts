/**
 * A process that plays its part of a scenario, and dies on the way if it is told to: a worker thread that stands still and
 * is then terminated, or a process of its own that kills itself. Its parent is `victims.ts`.
 */
import { isMainThread, type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { Job, Report } from '../jobs.js';
import type { CrashPoint } from '../points.js';
import { RemotePGlite } from './remote-pglite.js';
import { crashScenarios } from './scenarios.js';
import { Stage } from './stage.js';
import { Trap } from './trap.js';

if (isMainThread) {
  process.once('disconnect', () => process.exit(1));
  const report = await run(JSON.parse(process.argv[2]!) as Job, null, () => process.kill(process.pid, 'SIGKILL'));
  process.send?.(report, () => process.exit(0));
} else {
  const { port } = workerData as { readonly port: MessagePort | null };
  const pglite = port === null ? null : new RemotePGlite(port);
  const say = (report: Report): void => parentPort?.postMessage(report);
  parentPort?.on('message', (job: Job) => {
    void run(job, pglite, (at) => say({ kind: 'died', at })).then(say);
  });
}

async function run(job: Job, pglite: RemotePGlite | null, onDeath: (at: CrashPoint) => void): Promise<Report> {
  const die = (at: CrashPoint): void => {
    onDeath(at);
    standStill();
  };
  try {
    // Only the process under test loses replies, and the scenario says which.
    let isReplyLost = (_name: string, _nth: number): boolean => false;
    const trap = new Trap({ crashAt: job.crashAt, die, isReplyLost: (name, nth) => isReplyLost(name, nth) });
    const stage = new Stage(job, trap, pglite);
    const scenario = crashScenarios(stage).find(({ name }) => name === job.scenario)!;
    if (job.role === 'tested') isReplyLost = (name, nth) => scenario.isReplyLost(name, nth);
    const { itemsPerFlush: flushItemsMax, parkAfter } = scenario;
    await stage.launch(scenario.workflows(job.role), { flushItemsMax, parkAfter });
    const ending = await scenario.play(stage);
    await stage.close();
    return { kind: 'ended', ending, points: trap.points };
  } catch (error) {
    return { kind: 'failed', message: (error as Error).stack ?? String(error) };
  }
}

/** Nothing of this thread goes on from here, not even a callback. */
function standStill(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
