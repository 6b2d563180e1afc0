/**
 * A process that plays its part of a scenario, and dies on the way if it is told to: a worker thread that stands still and
 * is then terminated, or a process of its own that kills itself. Its parent is `victims.ts`.
 */
import { isMainThread, type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { Job, Report } from '../jobs.js';
import { playPart } from './part.js';
import { RemotePGlite } from './remote-pglite.js';

if (isMainThread) {
  process.once('disconnect', () => process.exit(1));
  const report = await playPart(JSON.parse(process.argv[2]!) as Job, null, () => process.kill(process.pid, 'SIGKILL'));
  process.send?.(report, () => process.exit(0));
} else {
  const { port } = workerData as { readonly port: MessagePort | null };
  const pglite = port === null ? null : new RemotePGlite(port);
  const say = (report: Report): void => parentPort?.postMessage(report);
  parentPort?.on('message', (job: Job) => {
    void playPart(job, pglite, (at) => say({ kind: 'died', at })).then(say);
  });
}
