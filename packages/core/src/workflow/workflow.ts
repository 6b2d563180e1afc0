import type { TransactionClient } from '../database/database.js';
import { InvalidArgumentError } from '../errors/errors.js';
import type { StepContext, WorkflowContext } from './context.js';
import { awaitedChild, backgroundChild } from './child-run.js';
import { currentContext, starterOn } from './current-context.js';
import { defineWorkflow, type WorkflowDefinition, type WorkflowOptions } from './definition.js';
import { register } from './registry.js';
import { startedRun } from './run-handle.js';
import type { RunStarter, StartedRun, StartOptions } from './run-starter.js';
import { standIn } from './stand-in.js';

/** {@link StartOptions}, and the engine to start on where there are several. */
export interface BoundOptions extends StartOptions {
  /** Without a meaning in a workflow: a child runs where its parent does. */
  readonly engine?: { readonly starter: RunStarter };
}

/** A durable function: call it like the function that it was made from. */
export interface Workflow<Args extends readonly unknown[], Result> {
  /** Runs it durably and waits for the result; in a workflow, as its child. */
  (...args: Args): Promise<Result>;
  /** Starts it and resolves once the run is in Postgres. */
  start(...args: Args): Promise<StartedRun<Result>>;
  /** The same workflow with options bound, for calls and starts. */
  with(options: BoundOptions): Workflow<Args, Result>;
  readonly definition: WorkflowDefinition;
}

/**
 * Makes a function a workflow: its progress is stored, and after a crash it continues from the last completed step, in
 * whichever process takes it over.
 *
 * The function may await anything made of steps, sleeps and child workflows, in any pattern; all side effects belong in
 * steps. Time and randomness come from {@link now}, {@link uuid} and {@link random}.
 *
 * @param name how the run is stored; it must not change while runs are in flight
 * @throws {DuplicateWorkflowError} if another function has the name
 *
 * @example
 * const checkout = workflow('checkout', async (order: Order) => {
 *   const payment = await charge(order);
 *   await sleep('10m');
 *   return await ship(order, payment);
 * });
 * const receipt = await checkout(order);
 * const run = await checkout.with({ workflowId: 'order-42' }).start(order);
 */
export function workflow<Args extends readonly unknown[], Result>(
  name: string,
  fn: (...args: Args) => Result | Promise<Result>,
  options: WorkflowOptions = {},
): Workflow<Args, Awaited<Result>> {
  return defined<Args, Awaited<Result>>(defineWorkflow(name, fn, options, new Error('here').stack));
}

/** A workflow that only those engines can run which are launched with it among their `privateWorkflows`. */
export function privateWorkflow<Args extends readonly unknown[], Result>(
  name: string,
  fn: (...args: Args) => Result | Promise<Result>,
  options: WorkflowOptions = {},
): Workflow<Args, Awaited<Result>> {
  return callable<Args, Awaited<Result>>(defineWorkflow(name, fn, options, new Error('here').stack), {});
}

/** Registers a definition, and makes a callable around it. */
export function defined<Args extends readonly unknown[], Result>(
  definition: WorkflowDefinition,
): Workflow<Args, Result> {
  register(definition);
  return callable<Args, Result>(definition, {});
}

/** A callable around a workflow that is known by its name alone. */
export function named(name: string, engine: { readonly starter: RunStarter }): Workflow<readonly unknown[], unknown> {
  return callable(standIn(name), { engine });
}

function callable<Args extends readonly unknown[], Result>(
  definition: WorkflowDefinition,
  bound: BoundOptions,
): Workflow<Args, Result> {
  const { engine, ...options } = bound;

  // The promise of a durable call is passed on as it is: wrapped once more, its rejection could end the process unheard.
  const call = (...args: Args): Promise<Result> => {
    const context = inWorkflow();
    if (transactionOf(options) !== null) return Promise.reject(callInTransaction(definition.name));
    if (context === null) return startOutside(args, 'inline').then((run) => run.result());
    return context.call(awaitedChild(definition, args, options, context)) as Promise<Result>;
  };
  const start = (...args: Args): Promise<StartedRun<Result>> => {
    const context = inWorkflow();
    if (context === null) return startOutside(args, 'handle');
    if (options.transaction !== undefined) return Promise.reject(transactionInWorkflow(definition.name));
    return context.call(backgroundChild(definition, args, options, context)) as Promise<StartedRun<Result>>;
  };
  const startOutside = async (args: Args, kind: 'inline' | 'handle'): Promise<StartedRun<Result>> => {
    const starter = starterOn(engine);
    const captured = starter.capture(kind, callingStep());
    // Before anything is awaited: the order of the calls is what repeats.
    const workflowId = options.workflowId ?? (await idFromContext(definition.name, starter));
    const request = workflowId === undefined ? options : { ...options, workflowId };
    const transaction = transactionOf(options);
    const started = await starter.start({ definition, args, options: request, captured, parent: null, transaction });
    return startedRun(starter, started);
  };
  return Object.assign(call, {
    start,
    definition,
    with: (changes: BoundOptions) => callable<Args, Result>(definition, { ...bound, ...changes }),
  });
}

function inWorkflow(): WorkflowContext | null {
  const context = currentContext();
  return context?.kind === 'workflow' ? context : null;
}

/** What a start becomes part of: the transaction that it names, or the transactional step that it is made in. */
function transactionOf(options: StartOptions): TransactionClient | null {
  const context = currentContext();
  return options.transaction ?? (context?.kind === 'step' ? context.transaction : null);
}

const callInTransaction = (name: string): Error =>
  new InvalidArgumentError(
    `Workflow "${name}" was called in a transaction, whose end it would have to wait for. Use start(): the run begins when the transaction commits.`,
  );

const transactionInWorkflow = (name: string): Error =>
  new InvalidArgumentError(
    `A workflow starts "${name}" in a transaction, but nothing that a workflow itself does can be in one. Start it in the body of step.transaction().`,
  );

/**
 * The surroundings may have ids for what is started on their engine. A run started by a step's body is found again, and not
 * started twice, when the step is tried again.
 */
function idFromContext(workflowName: string, starter: RunStarter): string | undefined | Promise<string | undefined> {
  const context = currentContext();
  if (context?.kind === 'step') return context.nextChildId();
  const isOurs = context?.kind === 'engine' && context.starter.outside === starter.outside;
  return isOurs ? context.runIdFor?.(workflowName) : undefined;
}

/** What a step's run carries goes on into the runs that its body starts, as into children. */
function callingStep(): StepContext | null {
  const context = currentContext();
  return context?.kind === 'step' ? context : null;
}
