import { AsyncLocalStorage } from 'node:async_hooks';
import type { MeterProvider } from '@opentelemetry/api';
import type { ObservedEngine } from '../metrics/metrics.js';
import type { SpanIdsInProcess } from '../tracing/span-ids.js';
import type { ScheduleDefinition } from '../schedule/schedule-settings.js';
import type { QueueDefinition } from '../queue/queue-settings.js';
import { BoundedSet } from '../util/bounded-set.js';
import type { Context, ContextStorage } from './context.js';
import type { WorkflowDefinition } from './definition.js';
import type { RunStarter } from './run-starter.js';

/** What there must be one of in a process, however often this package was loaded. */
export interface ProcessState {
  readonly contexts: ContextStorage;
  /** By name and version. */
  readonly definitions: Map<string, Map<string, WorkflowDefinition>>;
  readonly queues: Map<string, QueueDefinition>;
  readonly schedules: Map<string, ScheduleDefinition>;
  /** The engines that are launched, in the order of launching. */
  readonly launched: Set<RunStarter>;
  readonly spanIds: SpanIdsInProcess;
  /** The engines that metrics are read from, by whom they count with. */
  readonly observed: WeakMap<MeterProvider, Set<ObservedEngine>>;
}

const key = Symbol.for('perdure.process.v1');

/** So many spans may be open in a process that others have told of, and so many callers may have been told of. */
const spansMax = 10_000;

/**
 * The one global of this package. Bundles, hot reloads and ESM beside CommonJS each load a copy of it; they must see one
 * set of contexts, one registry and one launched engine.
 */
export function processState(): ProcessState {
  const holder = globalThis as { [key]?: ProcessState };
  return (holder[key] ??= {
    contexts: new AsyncLocalStorage<Context>(),
    definitions: new Map(),
    queues: new Map(),
    schedules: new Map(),
    launched: new Set(),
    spanIds: {
      next: null,
      exportDelayMs: null,
      givenAway: new BoundedSet(spansMax),
      toldCallers: new BoundedSet(spansMax),
      sentStarts: null,
    },
    observed: new WeakMap(),
  });
}
