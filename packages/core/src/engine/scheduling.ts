import type { Database, Queryable } from '../database/database.js';
import type { ScheduleDefinition } from '../schedule/schedule-settings.js';
import { processState } from '../workflow/process-state.js';
import type { Started, StartRequest } from '../workflow/run-starter.js';
import type { EngineServices } from './engine-services.js';
import { Scheduler } from './scheduler.js';
import { Schedules } from './schedules.js';
import { slotRequest, SlotStart } from './slot-starts.js';
import type { Versions } from './versions.js';

/** What an engine knows of schedules, and what fires them. */
export function createScheduling(engine: {
  readonly services: EngineServices;
  readonly versions: Versions;
  readonly database: Database;
  readonly ask: <T>(send: () => Promise<T>) => Promise<T>;
  readonly start: (request: StartRequest) => Promise<Started>;
  readonly cancel: (workflowId: string) => Promise<void>;
  readonly ensureQueue: (tx: Queryable, queue: string) => Promise<void>;
  readonly onFired: () => void;
}): { readonly schedules: Schedules; readonly scheduler: Scheduler } {
  const { services, versions, database, ask, start, cancel, ensureQueue, onFired } = engine;
  const { store, clock, random, codec, registry, hints } = services;
  // Only what this engine can run: another one of the process may have other workflows.
  const definitions = (): ScheduleDefinition[] =>
    [...processState().schedules.values()].filter(
      ({ workflow }) => registry.find(workflow.name, workflow.version) !== null,
    );
  const schedules = new Schedules({
    store: store.schedules,
    database,
    clock,
    random,
    codec,
    definitions,
    ask,
    start: async ({ workflow, settings }, slot, id) =>
      (await start(slotRequest(versions, workflow, slot, id, settings.start))).workflowId,
    onChange: () => {
      scheduler.wake();
      hints.send({ type: 'schedules' });
    },
  });
  const scheduler = new Scheduler({
    services,
    versions,
    database,
    schedules: store.schedules,
    definitions,
    beforeRound: () => schedules.declare(),
    newStart: () => new SlotStart(services, ensureQueue),
    findRun: (workflowId) => store.runs.find(workflowId),
    cancel,
    onFired,
  });
  return { schedules, scheduler };
}
