/** A process that executes programs until it is killed, or told to leave. Spawned by `fleet.ts`. */
import { setTimeout as wait } from 'node:timers/promises';
import { Perdure, PerdureError } from '@perdure/core';
import type { WorkerJob, WorkerMessage } from '../fleet.js';
import { defineWorkflows } from './interpreter.js';
import { Ledger } from './ledger.js';

const { url, schema, label, ledger, build, leaseMs, crashesMax, ticksFrom, ticksUntil } = JSON.parse(
  process.argv[2]!,
) as WorkerJob;

const say = (message: WorkerMessage): void => void process.send?.(message);
const workflows = defineWorkflows({ ledger: new Ledger(ledger, label), build, ticksFrom, ticksUntil });
const target = new URL(url);
target.searchParams.set('application_name', label);

let isLeaving = false;
process.once('SIGTERM', () => {
  isLeaving = true;
  void leave();
});
process.once('disconnect', () => {
  // The parent is gone, and this process is of no use to anybody.
  if (!isLeaving) process.exit(1);
});
const launching = launch();
if ((await launching) !== null) say({ kind: 'ready' });
process.on('message', () => {
  globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  const handles = process.getActiveResourcesInfo().filter((resource) => !/Timeout|Immediate/.test(resource));
  say({ kind: 'vitals', heapBytes: heapUsed, rssBytes: rss, handles: handles.length });
});

/** It may be launched while Postgres is down; null where it is told to leave meanwhile. */
async function launch(): Promise<Perdure | null> {
  while (!isLeaving) {
    try {
      return await Perdure.launch({
        databaseUrl: target.href,
        schema,
        workflows,
        lease: leaseMs,
        poll: '300ms',
        parkAfter: '300ms',
        maxCrashes: crashesMax,
        adopt: 'compatible',
      });
    } catch (error) {
      if (!(error instanceof PerdureError) || error.code !== 'PERDURE_DATABASE_UNAVAILABLE') throw error;
      await wait(100);
    }
  }
  return null;
}

/** Hands over and leaves nothing behind that keeps the process alive; nobody calls `process.exit`. */
async function leave(): Promise<void> {
  await (await launching)?.shutdown();
  process.disconnect();
}
