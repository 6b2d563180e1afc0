import type { Workflow } from '@perdure/core';
import type { ScheduleMetadata, WorkflowClass, WorkflowMetadata } from './workflows/workflow-class.js';

/** What there must be one of in a process, however often this package was loaded. */
export interface NestState {
  readonly metadata: WeakMap<WorkflowClass, WorkflowMetadata>;
  readonly schedules: WeakMap<WorkflowClass, readonly ScheduleMetadata[]>;
  /** The workflows that providers are, by the provider. */
  readonly providers: WeakMap<object, { readonly cls: WorkflowClass; readonly workflow: Workflow<never[], unknown> }>;
  /** Classes of which there is an instance for each run, so that none of them can stand for the workflow. */
  readonly scoped: WeakSet<WorkflowClass>;
  /** The classes that are asked for by `@InjectWorkflow`. */
  readonly injected: Set<WorkflowClass>;
}

const key = Symbol.for('perdure.nestjs.v1');

/** The one global of this package; see `processState` in @perdure/core for why there has to be one. */
export function nestState(): NestState {
  const holder = globalThis as { [key]?: NestState };
  return (holder[key] ??= {
    metadata: new WeakMap(),
    schedules: new WeakMap(),
    providers: new WeakMap(),
    scoped: new WeakSet(),
    injected: new Set(),
  });
}
