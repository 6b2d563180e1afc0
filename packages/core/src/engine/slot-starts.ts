import type { Queryable } from '../database/database.js';
import type { ScheduledStart } from '../schedule/scheduled-start.js';
import { nothingCaptured } from '../workflow/carriers.js';
import type { StartRequest } from '../workflow/run-starter.js';
import { standIn } from '../workflow/stand-in.js';
import type { EngineServices } from './engine-services.js';
import { prepareStart } from './starts.js';
import type { Versions } from './versions.js';

/** What a schedule starts, by the name of its workflow: a process that has no code of it, or not the promoted one, leaves the run to one that has. */
export function slotRequest(
  versions: Versions,
  workflow: string,
  slot: unknown,
  workflowId: string,
  start: ScheduledStart = {},
): StartRequest {
  return {
    definition: versions.forNewWork(workflow) ?? standIn(workflow),
    args: [slot],
    options: { ...start, workflowId },
    captured: nothingCaptured,
    parent: null,
    transaction: null,
  };
}

/**
 * Makes a slot's run part of the transaction in which its schedule moves on; one that is there already stays as it is.
 *
 * @param ownQueue where the runs of this schedule wait for each other; null if they don't
 */
export async function startInSlot(
  tx: Queryable,
  request: StartRequest,
  ownQueue: string | null,
  services: EngineServices,
  ensureQueue: (tx: Queryable, queue: string) => Promise<void>,
): Promise<void> {
  const { store, clock, metrics } = services;
  const options = ownQueue === null ? request.options : { ...request.options, queue: ownQueue };
  const { run, queueing, queuedTimeoutMs } = await prepareStart({ ...request, options }, services);
  if (queueing === null) {
    const inserted = await store.runs.insertAvailable(tx, [run], clock.sqlNow());
    if (inserted.has(run.seed)) metrics.started(run.name);
    return;
  }
  if (ownQueue === null) await ensureQueue(tx, queueing.item.queue);
  else await store.queues.declare(tx, [{ name: ownQueue, settings: { concurrency: 1 } }]);
  const item = { ...run, ...queueing.item, timeoutMs: queuedTimeoutMs };
  const enqueued = await store.queues.enqueue(tx, [item], clock.sqlNow());
  if (enqueued.has(run.seed)) metrics.started(run.name);
}
