import { InvalidArgumentError, type Workflow, type WorkflowOptions } from '@perdure/core';
import { nestState } from '../nest-state.js';

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

/** @throws {InvalidArgumentError} for a class that is none */
export function workflowMetadata(cls: WorkflowClass | undefined): WorkflowMetadata {
  const metadata = cls === undefined ? undefined : nestState().metadata.get(cls);
  if (metadata !== undefined) return metadata;
  throw new InvalidArgumentError(
    cls === undefined
      ? 'A workflow class is undefined: two files import each other. Move one of the classes to a file of its own.'
      : `The class ${cls.name} is no workflow. Put @Workflow('name') on it; a subclass needs a name of its own.`,
  );
}
