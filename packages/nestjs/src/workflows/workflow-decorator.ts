import { InvalidArgumentError, type WorkflowOptions } from '@perdure/core';
import { nestState } from '../nest-state.js';
import { takeOver } from './take-over.js';
import type { WorkflowClass } from './workflow-class.js';

/**
 * Makes an ordinary provider a workflow: its method `run` is the workflow's function, with dependencies injected as
 * everywhere and `this` being the provider. Calling `run` starts a run and waits for it, in another workflow as a child;
 * `@InjectWorkflow(cls)` gives what can also be started without waiting. An instance that belongs to no application, as
 * in a unit test, is called like any other object.
 *
 * @param name how runs are stored; it must not change while runs are in flight. A subclass needs a name of its own
 *
 * @example
 * @Workflow('checkout')
 * @Injectable()
 * export class CheckoutWorkflow {
 *   constructor(private readonly payments: PaymentsService) {}
 *
 *   async run(order: Order): Promise<Receipt> {
 *     const payment = await this.payments.charge(order); // a step of another provider
 *     await sleep('10m');
 *     return await this.ship(order, payment);
 *   }
 *
 *   @Step({ retries: 5 })
 *   async ship(order: Order, payment: Payment): Promise<Receipt> { … }
 * }
 */
export function Workflow(name: string, options: WorkflowOptions = {}) {
  return function decorate(cls: WorkflowClass): void {
    const prototype = cls.prototype as { run?: unknown };
    const original = prototype.run;
    if (typeof original !== 'function') {
      throw new InvalidArgumentError(`Workflow "${name}": the class ${cls.name} has no method run().`);
    }
    const written = original as (...args: never[]) => Promise<unknown>;
    nestState().metadata.set(cls, { name, options, run: written });

    function run(this: object, ...args: never[]): Promise<unknown> {
      const { providers, scoped } = nestState();
      const bound = providers.get(this);
      // In a subclass with a name of its own, `super.run()` is part of its run.
      if (bound?.cls === cls) return bound.workflow(...args);
      if (bound === undefined && scoped.has(cls)) return Promise.reject(isScoped(name, cls));
      return written.apply(this, args);
    }
    const descriptor = { value: run, writable: true, configurable: true, enumerable: false };
    Object.defineProperty(prototype, 'run', takeOver(descriptor, written));
  };
}

const isScoped = (name: string, cls: WorkflowClass): Error =>
  new InvalidArgumentError(
    `Workflow "${name}": ${cls.name}, or something it depends on, is request-scoped, so that each run has an instance of its own. Call it through @InjectWorkflow(${cls.name}).`,
  );
