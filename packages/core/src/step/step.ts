import type { IsolationLevel, TransactionClient } from '../database/database.js';
import { TransactionConflictError, TransactionInDoubtError } from '../database/transaction-errors.js';
import { InvalidArgumentError } from '../errors/errors.js';
import { currentContext, starterOn } from '../workflow/current-context.js';
import {
  type DefinedStepOptions,
  defineStep,
  type PreparedTransactionOptions,
  type StepDefinition,
  type StepOptions,
  type TransactionOptions,
} from './definition.js';
import { defineWorkflow, fingerprint } from '../workflow/definition.js';
import { defined, type Workflow } from '../workflow/workflow.js';
import { type StepBody, stepCall } from './run-step.js';
import { transactionBody, type TransactionFunctions } from './transaction.js';

/** A checkpointed function: call it like the function that it was made from. */
export interface Step<Args extends readonly unknown[], Result> {
  (...args: Args): Promise<Result>;
  /** The same step with other options. */
  with(options: StepOptions): Step<Args, Result>;
}

/** A step that can also wait in a queue by itself. */
export interface EnqueueableStep<Args extends readonly unknown[], Result> extends Step<Args, Result> {
  /** A workflow of this step alone, named like it. */
  readonly asWorkflow: Workflow<Args, Result>;
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
  options: DefinedStepOptions & { readonly enqueueable: true },
): EnqueueableStep<Args, Awaited<Result>>;
export function step<Args extends readonly unknown[], Result>(
  name: string,
  fn: (...args: Args) => Result | Promise<Result>,
  options?: DefinedStepOptions,
): Step<Args, Awaited<Result>>;
export function step<Args extends readonly unknown[], Result>(
  name: string,
  fn: (...args: Args) => Result | Promise<Result>,
  options: DefinedStepOptions = {},
): Step<Args, Awaited<Result>> {
  const definition = defineStep(name, options);
  const call = (...args: Args): Promise<Awaited<Result>> =>
    callStep(definition, () => fn(...args)) as Promise<Awaited<Result>>;
  const callable = Object.assign(call, {
    with: (changes: StepOptions) => step(name, fn, { ...options, ...changes, enqueueable: false }),
  });
  if (options.enqueueable !== true) return callable;
  return Object.assign(callable, { asWorkflow: workflowAround(name, fn, call, new Error('here').stack) });
}

/** The only call of this workflow is the step, so there is no history that another version of it could diverge from. */
function workflowAround<Args extends readonly unknown[], Result>(
  name: string,
  fn: (...args: Args) => unknown,
  call: (...args: Args) => Promise<Result>,
  stack: string | undefined,
): Workflow<Args, Result> {
  return defined({ ...defineWorkflow(name, call, { version: 'step' }, stack), code: fingerprint(fn) });
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
  return callStep(defineStep(name, options), fn) as Promise<Awaited<Result>>;
};

step.transaction = transaction;

// In this order: where the first overload says that there is no second parameter, that of the function stays without a type.
/**
 * Prepares something, then runs a function with it as a step whose data and checkpoint are one commit.
 *
 * @example
 * await step.transaction('index', (tx, pages) => insertPages(tx, url, pages), { prepare: () => download(url) });
 */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- lets `tx` be annotated with the driver's own type
function transaction<Result, Prepared, Tx extends TransactionClient = TransactionClient>(
  name: string,
  fn: (tx: Tx, prepared: Prepared) => Result | Promise<Result>,
  options: PreparedTransactionOptions<Prepared>,
): Promise<Awaited<Result>>;
/**
 * Runs a function as a step whose data and checkpoint are one commit: what it writes with `tx` takes effect exactly once,
 * whatever crashes.
 *
 * `tx` is a client of `pg` in the engine's database (or PGlite's transaction). The transaction commits when the function
 * returns and rolls back when it throws; one that another transaction was in the way of is run again by itself, so the
 * function may run more than once, though only one run commits. A run that it starts is part of the transaction.
 *
 * Outside a workflow it is a plain transaction.
 *
 * @param options `isolationLevel` is `read committed` by default; the rest is as for every step
 * @throws {InvalidArgumentError} in the body of another transactional step
 *
 * @example
 * await step.transaction('book', async (tx) => {
 *   await tx.query('insert into bookings (sku, customer) values ($1, $2)', [order.sku, order.customer]);
 * });
 */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- lets `tx` be annotated with the driver's own type
function transaction<Result, Tx extends TransactionClient = TransactionClient>(
  name: string,
  fn: (tx: Tx) => Result | Promise<Result>,
  options?: TransactionOptions,
): Promise<Awaited<Result>>;
function transaction(
  name: string,
  fn: TransactionFunctions['fn'],
  options: TransactionOptions & Partial<PreparedTransactionOptions<unknown>> = {},
): Promise<unknown> {
  const { isolationLevel = 'read committed', prepare = null, ...stepOptions } = options;
  const definition = defineStep(name, stepOptions);
  const functions = { prepare, fn };
  const context = currentContext();
  return context?.kind === 'workflow'
    ? context.call(
        stepCall(definition, transactionBody(functions, isolationLevel, context.starter.dataSource), context),
      )
    : plainTransaction(name, functions, isolationLevel);
}

async function plainTransaction(
  name: string,
  { prepare, fn }: TransactionFunctions,
  isolationLevel: IsolationLevel,
): Promise<unknown> {
  const context = currentContext();
  if (context?.kind === 'step' && context.transaction !== null) {
    throw new InvalidArgumentError(`The transaction "${name}" begins within another one. Pass on the outer one's tx.`);
  }
  const prepared = await prepare?.();
  try {
    return await starterOn().dataSource.transaction(isolationLevel, async ({ client }) => await fn(client, prepared));
  } catch (error) {
    throw error instanceof TransactionConflictError || error instanceof TransactionInDoubtError ? error.cause : error;
  }
}

/** The promise of a durable call is passed on as it is: wrapped once more, its rejection could end the process unheard. */
function callStep(definition: StepDefinition, fn: () => unknown): Promise<unknown> {
  const context = currentContext();
  if (context?.kind !== 'workflow') return (async () => await fn())();
  const { codec } = context.seams;
  const body: StepBody = async ({ enter }) => ({ payload: codec.encode(await enter(fn)) });
  return context.call(stepCall(definition, body, context));
}
