/** A process that plays its part of a scenario with an SDK of OpenTelemetry, and kills itself on the way if it is told to. */
import type { Job } from '../jobs.js';
import { playPart } from './part.js';
import { TracedSurroundings } from './traced-surroundings.js';

process.once('disconnect', () => process.exit(1));
const job = JSON.parse(process.argv[2]!) as Job;
const around = new TracedSurroundings(job.label, job.tracing!);
const report = await playPart(job, null, () => process.kill(process.pid, 'SIGKILL'), around);
const openSpans = await around.close();
process.send?.(report.kind === 'ended' ? { ...report, openSpans } : report, () => process.exit(0));
