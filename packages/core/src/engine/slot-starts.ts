import type { Queryable } from '../database/database.js';
import { InvalidArgumentError } from '../errors/errors.js';
import type { Registry } from '../workflow/registry.js';
import { nothingCaptured } from '../workflow/carriers.js';
import type { StartRequest } from '../workflow/run-starter.js';
import type { EngineServices } from './engine-services.js';
import { prepareStart } from './starts.js';

/**
 * What a schedule starts, by the name of its workflow.
 *
 * @throws {InvalidArgumentError} if this process doesn't know the workflow
 */
export function slotRequest(registry: Registry, workflow: string, slot: unknown, workflowId: string): StartRequest {
  const definition = registry.all().find(({ name }) => name === workflow);
  if (definition === undefined) {
    throw new InvalidArgumentError(
      `This process does not know the workflow "${workflow}" of the schedule. Ask in one that defines it.`,
    );
  }
  return {
    definition,
    args: [slot],
    options: { workflowId },
    captured: nothingCaptured,
    parent: null,
    transaction: null,
  };
}

/** Makes a slot's run part of the transaction in which its schedule moves on; one that is there already stays as it is. */
export async function startInSlot(
  tx: Queryable,
  request: StartRequest,
  queue: string | null,
  services: EngineServices,
): Promise<void> {
  const { store, clock } = services;
  if (queue === null) {
    const { run } = await prepareStart(request, services);
    await store.runs.insertAvailable(tx, [run], clock.sqlNow());
    return;
  }
  await store.queues.declare(tx, [{ name: queue, settings: { concurrency: 1 } }]);
  const options = { ...request.options, queue };
  const { run, queueing, queuedTimeoutMs } = await prepareStart({ ...request, options }, services);
  if (queueing === null) return;
  await store.queues.enqueue(tx, [{ ...run, ...queueing.item, timeoutMs: queuedTimeoutMs }], clock.sqlNow());
}
