import { Inject, Injectable } from '@nestjs/common';
import { InvalidArgumentError, NotLaunchedError, type Workflow } from '@perdure/core';
import { WorkflowHost } from './workflow-host.js';
import type { WorkflowClass, WorkflowOf } from './workflow-class.js';
import { workflowMetadata } from './workflow-metadata.js';

/** Workflows that are classes, as what a function would be: to be called, started and enqueued. */
@Injectable()
export class WorkflowRegistry {
  readonly #host: WorkflowHost;

  constructor(@Inject(WorkflowHost) host: WorkflowHost) {
    this.#host = host;
  }

  /** @throws {InvalidArgumentError} for a class that is no workflow, and when it is used, for one that nobody provides */
  get<Class extends WorkflowClass>(cls: Class): WorkflowOf<Class> {
    const { name } = workflowMetadata(cls);
    // Made before the providers are found, so it looks for its workflow when it is used.
    const workflow = (): Workflow<never[], unknown> => {
      const found = this.#host.find(name);
      if (found !== null) return found;
      throw this.#host.isOpen ? notProvided(name, cls) : new NotLaunchedError();
    };
    const handle = (...args: never[]): Promise<unknown> => workflow()(...args);
    return Object.defineProperties(handle, {
      start: { value: (...args: never[]) => workflow().start(...args) },
      with: { value: (options: Parameters<Workflow<never[], unknown>['with']>[0]) => workflow().with(options) },
      definition: { get: () => workflow().definition },
    }) as unknown as WorkflowOf<Class>;
  }

  /** The workflow that a route runs, a function or a class. */
  of(reference: Workflow<never[], unknown> | WorkflowClass): Workflow<[never], unknown> {
    return 'definition' in reference ? reference : this.get(reference);
  }
}

const notProvided = (name: string, cls: WorkflowClass): Error =>
  new InvalidArgumentError(
    `Workflow "${name}": this application has no provider of ${cls.name}. Add it to the providers of a module.`,
  );
