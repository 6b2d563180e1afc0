import { currentContext } from '../workflow/current-context.js';
import { defineStep, type StepDefinition, type StepOptions } from './definition.js';
import { stepCall } from './run-step.js';

/** A checkpointed function: call it like the function that it was made from. */
export interface Step<Args extends readonly unknown[], Result> {
  (...args: Args): Promise<Result>;
  /** The same step with other options. */
  with(options: StepOptions): Step<Args, Result>;
}

/**
 * Makes a function a step: called in a workflow, its result is recorded, and never asked for again.
 *
 * A step that a crash interrupts runs again, so its side effects happen at least once; pass
 * `currentRun().idempotencyKey` on to make them happen effectively once. The result is what was stored: a copy, without
 * methods. An error is recorded too, after the retries. Called outside a workflow, or in the body of another step, it is
 * a plain call of the function.
 *
 * @param name recorded with each result and compared on replay; changing it makes runs in flight `blocked`
 * @throws {InvalidArgumentError} for a name or an option that doesn't hold
 *
 * @example
 * const charge = step('charge', async (order: Order) => payments.charge(order), { retries: 5, timeout: '30s' });
 */
export function step<Args extends readonly unknown[], Result>(
  name: string,
  fn: (...args: Args) => Result | Promise<Result>,
  options: StepOptions = {},
): Step<Args, Awaited<Result>> {
  const definition = defineStep(name, fn, options);
  const call = (...args: Args): Promise<Awaited<Result>> => callStep(definition, args) as Promise<Awaited<Result>>;
  return Object.assign(call, {
    with: (changes: StepOptions) => step(name, fn, { ...options, ...changes }),
  });
}

/**
 * Runs a function as a step, defined where it is used.
 *
 * @example
 * const stock = await step.run('reserve', () => warehouse.reserve(order.sku));
 */
step.run = function run<Result>(
  name: string,
  fn: () => Result | Promise<Result>,
  options: StepOptions = {},
): Promise<Awaited<Result>> {
  return callStep(defineStep(name, fn, options), []) as Promise<Awaited<Result>>;
};

/** The promise of a durable call is passed on as it is: wrapped once more, its rejection could end the process unheard. */
function callStep(definition: StepDefinition, args: readonly unknown[]): Promise<unknown> {
  const context = currentContext();
  if (context?.kind === 'workflow') return context.call(stepCall(definition, args, context));
  return (async () => await definition.fn(...(args as never[])))();
}
