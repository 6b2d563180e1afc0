import { step, type StepOptions } from '@perdure/core';
import { takeOver } from './take-over.js';

type Method = (...args: never[]) => Promise<unknown>;
type MethodDecoratorOf<M extends Method> = <T extends M>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<T>,
) => void;

/**
 * Makes a method of any provider a step: called in a workflow, its result is recorded, and after a crash it is not called
 * again. `this` is the provider. Outside a workflow, and in the body of another step, it is the plain method.
 *
 * @param name recorded with each result and compared on replay; the method's name by default, which, unlike that of its
 * class, no minifier changes
 *
 * @example
 * @Step('charge', { retries: 5, timeout: '30s' })
 * async charge(order: Order): Promise<Payment> {
 *   return await this.provider.charge(order, { idempotencyKey: currentRun()?.idempotencyKey });
 * }
 */
export function Step(name: string, options?: StepOptions): MethodDecoratorOf<Method>;
export function Step(options?: StepOptions): MethodDecoratorOf<Method>;
export function Step(nameOrOptions?: string | StepOptions, more?: StepOptions): MethodDecoratorOf<Method> {
  const options = typeof nameOrOptions === 'object' ? nameOrOptions : (more ?? {});
  return (_target, key, descriptor) => {
    const name = typeof nameOrOptions === 'string' ? nameOrOptions : String(key);
    const original = descriptor.value as Method;
    const value = function (this: unknown, ...args: never[]): Promise<unknown> {
      return step.run(name, () => original.apply(this, args), options);
    };
    Object.assign(descriptor, takeOver({ ...descriptor, value }, original));
  };
}
