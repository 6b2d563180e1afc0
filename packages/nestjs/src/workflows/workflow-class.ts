import type { ScheduleOptions, ScheduleTiming, Workflow, WorkflowOptions } from '@perdure/core';

/** What `@Workflow()` can stand on: a class whose instances have a `run`. */
export type WorkflowClass = abstract new (...args: never[]) => { run(...args: never[]): Promise<unknown> };

/** The workflow that a class is: called and started with what its `run` takes. */
export type WorkflowOf<Class extends WorkflowClass> = Workflow<
  Parameters<InstanceType<Class>['run']>,
  Awaited<ReturnType<InstanceType<Class>['run']>>
>;

export interface WorkflowMetadata {
  readonly name: string;
  readonly options: WorkflowOptions;
  /** The method as it was written, which the decorator has put another one in front of. */
  readonly run: (...args: never[]) => Promise<unknown>;
}

/** What `@Schedule()` says of a class. */
export interface ScheduleMetadata {
  readonly name: string;
  readonly timing: ScheduleTiming;
  readonly options: ScheduleOptions;
}
