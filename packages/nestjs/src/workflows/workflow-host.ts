import { Inject, Injectable } from '@nestjs/common';
import { ContextIdFactory, ModuleRef } from '@nestjs/core';
import { currentRun, type Perdure, schedule, type Workflow } from '@perdure/core';
import { privateWorkflow } from '@perdure/core/internal';
import { currentRequest } from '@perdure/http';
import { nestState } from '../nest-state.js';
import type { FoundWorkflow } from './workflow-explorer.js';
import { WorkflowRequest } from './workflow-request.js';

/** The workflows of one application, on its engine and with its providers. */
@Injectable()
export class WorkflowHost {
  readonly #moduleRef: ModuleRef;
  readonly #workflows = new Map<string, Workflow<never[], unknown>>();
  #isOpen = false;

  constructor(@Inject(ModuleRef) moduleRef: ModuleRef) {
    this.#moduleRef = moduleRef;
  }

  /** Defines what was found, for the engine of this application: others of the process have no such providers. */
  open(found: readonly FoundWorkflow[], perdure: Perdure): void {
    const { providers, schedules, scoped } = nestState();
    this.#isOpen = true;
    for (const item of found) {
      const workflow = this.#define(item).with({ engine: perdure });
      for (const { name, timing, options } of schedules.get(item.cls) ?? []) schedule(name, timing, workflow, options);
      this.#workflows.set(item.metadata.name, workflow);
      if (item.instance === null) scoped.add(item.cls);
      else providers.set(item.instance, { cls: item.cls, workflow });
    }
  }

  /** Nothing runs here any more. */
  close(): void {
    this.#isOpen = false;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get workflows(): readonly Workflow<never[], unknown>[] {
    return [...this.#workflows.values()];
  }

  find(name: string): Workflow<never[], unknown> | null {
    return this.#workflows.get(name) ?? null;
  }

  #define(found: FoundWorkflow): Workflow<never[], unknown> {
    const { name, options, run } = found.metadata;
    const fn = async (...args: never[]): Promise<unknown> => await this.#execute(found, args);
    // The version of a workflow, unless it is given, is a fingerprint of its source, and this is not the source.
    Object.defineProperty(fn, 'toString', { value: () => run.toString() });
    return privateWorkflow(name, fn, options);
  }

  /** Calls what a class does, in a run of its workflow. */
  async #execute(found: FoundWorkflow, args: readonly never[]): Promise<unknown> {
    const { instance, metadata } = found;
    return await metadata.run.apply(instance ?? (await this.#resolve(found, args)), [...args]);
  }

  /** One instance for each time that a run is executed, and for all that it injects. */
  async #resolve({ token }: FoundWorkflow, args: readonly unknown[]): Promise<object> {
    const run = currentRun() ?? { workflowId: '', workflowName: '' };
    const request = new WorkflowRequest(run, args, currentRequest());
    const contextId = ContextIdFactory.getByRequest(request);
    this.#moduleRef.registerRequestByContextId(request, contextId);
    return await this.#moduleRef.resolve<object>(token, contextId, { strict: false });
  }
}
