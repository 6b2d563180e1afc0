import type { Queryable } from '../database/database.js';
import type { ScheduledStart } from '../schedule/scheduled-start.js';
import type { StartRequest } from '../workflow/run-starter.js';
import { standIn } from '../workflow/stand-in.js';
import type { EngineServices } from './engine-services.js';
import { carryOut, prepareStart } from './starts.js';
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
    captured: {
      carried: { encoded: null },
      trace: { kind: 'schedule', context: null, links: [], above: null, depth: 0 },
    },
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
  const starting = await prepareStart({ ...request, options }, services, null);
  const { run, queueing, queuedTimeoutMs } = starting;
  await carryOut(starting, metrics, async () => {
    let inserted: ReadonlySet<string>;
    if (queueing === null) inserted = await store.runs.insertAvailable(tx, [run], clock.sqlNow());
    else {
      if (ownQueue === null) await ensureQueue(tx, queueing.item.queue);
      else await store.queues.declare(tx, [{ name: ownQueue, settings: { concurrency: 1 } }]);
      const queued = { ...run, ...queueing.item, timeoutMs: queuedTimeoutMs };
      inserted = await store.queues.enqueue(tx, [queued], clock.sqlNow());
    }
    return { isNew: inserted.has(run.seed) };
  });
}
