import { Inject, Injectable } from '@nestjs/common';
import { ContextIdFactory, ModuleRef } from '@nestjs/core';
import { currentRun, type Perdure, schedule, workflow, type Workflow } from '@perdure/core';
import { currentRequest } from '@perdure/http';
import { nestState, type WorkflowExecutor } from '../nest-state.js';
import { onEngine } from './on-engine.js';
import type { FoundWorkflow } from './workflow-explorer.js';
import { WorkflowRequest } from './workflow-request.js';

/** The workflows of one application, on its engine and with its providers. */
@Injectable()
export class WorkflowHost implements WorkflowExecutor {
  readonly #moduleRef: ModuleRef;
  readonly #found = new Map<string, FoundWorkflow>();
  readonly #workflows = new Map<string, Workflow<never[], unknown>>();

  #perdure: Perdure | null = null; // null = not opened yet
  #isOpen = false;

  constructor(@Inject(ModuleRef) moduleRef: ModuleRef) {
    this.#moduleRef = moduleRef;
  }

  /** Defines what was found, so that an engine that is launched now knows it. */
  open(found: readonly FoundWorkflow[], perdure: Perdure): void {
    this.#perdure = perdure;
    const { hosts, providers, schedules, scoped } = nestState();
    this.#isOpen = true;
    for (const item of found) {
      const { name } = item.metadata;
      const workflow = this.#define(item);
      for (const { name, timing, options } of schedules.get(item.cls) ?? []) schedule(name, timing, workflow, options);
      this.#found.set(name, item);
      this.#workflows.set(name, workflow);
      hosts.set(name, [...(hosts.get(name) ?? []), this]);
      if (item.instance === null) scoped.add(item.cls);
      else providers.set(item.instance, { cls: item.cls, workflow: () => onEngine(workflow, perdure) });
    }
  }

  /** Nothing runs here any more. */
  close(): void {
    const { hosts } = nestState();
    this.#isOpen = false;
    for (const name of this.#found.keys()) {
      const others = (hosts.get(name) ?? []).filter((host) => host !== this);
      if (others.length > 0) hosts.set(name, others);
      else hosts.delete(name);
    }
    this.#found.clear();
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get workflows(): readonly Workflow<never[], unknown>[] {
    return [...this.#workflows.values()];
  }

  find(name: string): Workflow<never[], unknown> | null {
    const workflow = this.#workflows.get(name);
    return workflow === undefined || this.#perdure === null ? null : onEngine(workflow, this.#perdure);
  }

  #define({ metadata: { name, options, run } }: FoundWorkflow): Workflow<never[], unknown> {
    const fn = async (...args: never[]): Promise<unknown> => await hostOf(name, this).execute(name, args);
    // The version of a workflow, unless it is given, is a fingerprint of its source, and this is not the source.
    Object.defineProperty(fn, 'toString', { value: () => run.toString() });
    return workflow(name, fn, options);
  }

  /** Calls what a class does, in a run of its workflow. */
  async execute(name: string, args: readonly never[]): Promise<unknown> {
    const found = this.#found.get(name);
    // Its application was closed. This is no outcome of the run, which some other process may continue.
    if (found === undefined) return await new Promise<never>(() => {});
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

/**
 * Where several applications of one process define one workflow, their engines find the one that was defined last. A run
 * goes to the application that defined what was found, while that is up.
 */
function hostOf(name: string, own: WorkflowExecutor): WorkflowExecutor {
  const hosts = nestState().hosts.get(name) ?? [];
  return hosts.includes(own) ? own : (hosts.at(-1) ?? own);
}
