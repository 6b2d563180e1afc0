import { InvalidArgumentError } from '@perdure/core';
import { nestState } from '../nest-state.js';
import type { WorkflowClass, WorkflowMetadata } from './workflow-class.js';

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
