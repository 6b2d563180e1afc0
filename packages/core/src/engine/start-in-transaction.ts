import type { Queryable } from '../database/database.js';
import type { Started } from '../workflow/run-starter.js';
import { enqueueIn } from './enqueue.js';
import type { EngineServices } from './engine-services.js';
import { foundRun, type PreparedStart } from './starts.js';

/** The run waits to be claimed: whether it exists is known when the transaction has committed, and only to Postgres. */
export async function startInTransaction(
  tx: Queryable,
  { run, queueing, queuedTimeoutMs }: PreparedStart,
  services: EngineServices,
  ensureQueue: (tx: Queryable, queue: string) => Promise<void>,
): Promise<Started> {
  const { store, clock, codec, hints } = services;
  if (queueing !== null) {
    await ensureQueue(tx, queueing.item.queue);
    const queued = { ...run, ...queueing.item, timeoutMs: queuedTimeoutMs };
    const started = await enqueueIn(tx, queued, queueing.deduplication, services);
    await hints.sendIn(tx, { type: 'work' });
    return started;
  }
  const inserted = await store.runs.insertAvailable(tx, [run], clock.sqlNow());
  if (inserted.has(run.seed)) {
    await hints.sendIn(tx, { type: 'work' });
    return { workflowId: run.workflowId, isNew: true };
  }
  return foundRun(await store.runs.findIn(tx, run.workflowId), run, codec);
}
