/**
 * For the packages of this repository, which are released together. No part of it is covered by semantic versioning.
 */
export { connect } from './engine/client.js';
export { crash, launch } from './engine/perdure.js';
export { migrateDatabase } from './engine/migrate-database.js';
export type { SeamOptions } from './engine/engine-options.js';
export type {
  Database,
  Queryable,
  Row,
  SharedTransaction,
  SharedTransactionOptions,
  Statement,
  Subscription,
} from './database/database.js';
export { embedded } from './database/embedded.js';
export { postgres } from './database/postgres.js';
export type { Clock, EpochMs, Hold, Timer, TimerOptions } from './seams/clock.js';
export type { LogItem } from './checkpoint-log/checkpoint-log.js';
export { createStore } from './store/store.js';
export { migrate } from './store/migrate.js';
export { instruments } from './metrics/instruments.js';
export type { Checkpoint, NewRun } from './store/records.js';
export { currentEngineKey, currentScope, starterOn, withinEngine } from './workflow/current-context.js';
export type { RunStarter } from './workflow/run-starter.js';
export { meantStatuses } from './management/changes.js';
export type { ChangeVerb } from './management/changes.js';
export { isNarrow } from './management/run-filter.js';
export { processState } from './workflow/process-state.js';
export { toMs } from './util/duration.js';
export { Registry } from './workflow/registry.js';
export { privateWorkflow } from './workflow/workflow.js';
export { spanIdsInProcess } from './tracing/span-ids-in-process.js';
export type { GivenIds, SpanIdsInProcess } from './tracing/span-ids.js';
export { awaitedByActiveSpan, notesOnActiveSpan } from './tracing/surroundings.js';
export type { RequestNotes } from './tracing/surroundings.js';
