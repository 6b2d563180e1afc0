import { currentEngineKey, seenFromHere, type WithinOptions, withinEngine } from '../workflow/current-context.js';
import { getEvent, type GetEventOptions, watch, type WatchOptions } from '../workflow/events.js';
import { send, type SendOptions } from '../workflow/messages.js';
import { readStream, type ReadStreamOptions, type StreamItem } from '../workflow/streams.js';
import { runHandle } from '../workflow/run-handle.js';
import type { RunHandle, RunStarter } from '../workflow/run-starter.js';
import { completeToken, type CompleteOptions } from '../workflow/tokens.js';
import { named, type Workflow } from '../workflow/workflow.js';
import type { CheckedRun, CheckOptions } from './deploy-gate.js';
import type { RunAdmin } from '../management/run-admin.js';
import type { Desk } from './desk.js';
import type { QueueAdmin } from './queues.js';
import type { ScheduleAdmin } from './schedules.js';
import type { VersionAdmin } from './versions.js';
import { checkAskedId } from '../workflow/names.js';

/** A run by its workflow id or a handle. */
type Run = string | { readonly workflowId: string };

/** A workflow's type, made from the type of the value that `workflow()` returned. */
type NamedWorkflow<W> = W extends Workflow<infer Args, infer Result> ? Workflow<Args, Result> : never;

/** What is asked of runs from outside, the same with an engine in this process and without one. */
export abstract class RunAccess {
  readonly #desk: Desk;

  protected constructor(desk: Desk) {
    this.#desk = desk;
  }

  /** What runs are started on; for `workflow.with({ engine })`. */
  get starter(): RunStarter {
    return this.#desk;
  }

  /** The runs of this database, to be found, looked at, changed, copied and deleted. */
  get runs(): RunAdmin {
    return this.#desk.runs;
  }

  /** The queues of this database, to be looked at, changed and paused. */
  get queues(): QueueAdmin {
    return this.#desk.queues;
  }

  /** The schedules of this database, to be made, looked at, changed and paused. */
  get schedules(): ScheduleAdmin {
    return this.#desk.schedules;
  }

  /** The versions of workflows in this database, to be looked at, promoted and rolled back. */
  get versions(): VersionAdmin {
    return this.#desk.versions;
  }

  /**
   * Replays every run that has not ended with the code of this build, without any side effect, and says of each whether the
   * build can go on with it. Takes as much memory for many runs as for few.
   *
   * Workflow functions are executed as they are in a replay; what they do outside of steps, they do.
   *
   * @example
   * // In the new build, before it is deployed:
   * const client = await PerdureClient.connect({ databaseUrl: process.env.DATABASE_URL });
   * for await (const run of client.check({ workflows: [checkout, refund] })) {
   *   if (run.verdict !== 'compatible') console.log(run.workflowId, run.verdict, run.reason);
   * }
   */
  check(options: CheckOptions = {}): AsyncGenerator<CheckedRun, void, undefined> {
    return this.#desk.deployGate.check(options);
  }

  /**
   * A workflow by its name, for a process that doesn't have its code: typed by the type of the workflow alone. Which version
   * of it a run becomes is decided by the first process that takes it; that one also checks its input and applies its timeout.
   *
   * @throws {InvalidArgumentError} for a name that doesn't hold
   *
   * @example
   * import type { checkout } from './worker/checkout.js';
   * const run = await client.workflow<typeof checkout>('checkout').with({ queue: 'orders' }).start(order);
   */
  workflow<W = Workflow<unknown[], unknown>>(name: string): NamedWorkflow<W> {
    return named(name, this) as NamedWorkflow<W>;
  }

  /** A handle to a run by its id, wherever it was started. */
  run<Result = unknown>(workflowId: string): RunHandle<Result> {
    return runHandle<Result>(this.#desk, checkAskedId(workflowId));
  }

  /** {@link send}, through this. */
  async send(run: Run, topic: string, message: unknown, options: Omit<SendOptions, 'engine'> = {}): Promise<void> {
    await send(run, topic, message, { ...options, engine: this });
  }

  /** {@link getEvent}, through this. */
  async getEvent<Value = unknown>(
    run: Run,
    key: string,
    options: Omit<GetEventOptions<Value>, 'engine'> = {},
  ): Promise<Value> {
    return await getEvent<Value>(run, key, { ...options, engine: this });
  }

  /** {@link watch}, through this. */
  watch<Value = unknown>(
    run: Run,
    key: string,
    options: Omit<WatchOptions<Value>, 'engine'> = {},
  ): AsyncGenerator<Value, void, undefined> {
    return watch<Value>(run, key, { ...options, engine: this });
  }

  /** {@link readStream}, through this. */
  readStream<Value = unknown>(
    run: Run,
    name: string,
    options: Omit<ReadStreamOptions<Value>, 'engine'> = {},
  ): AsyncGenerator<StreamItem<Value>, void, undefined> {
    return readStream<Value>(run, name, { ...options, engine: this });
  }

  /** {@link completeToken}, through this. */
  async completeToken(token: string, value?: unknown, options: Omit<CompleteOptions, 'engine'> = {}): Promise<void> {
    await completeToken(token, value, { ...options, engine: this });
  }

  /**
   * Calls a function with this as what workflows are started on.
   *
   * @param options `runIdFor` gives the runs that are started without a workflow id one that is the same when all this
   * happens again: from a request's idempotency key, say; `scope` is what `currentScope()` returns there
   *
   * @example
   * await perdure.within(() => checkout(order));
   */
  within<T>(fn: () => T, options: WithinOptions = {}): T {
    return withinEngine(seenFromHere(this), fn, options);
  }

  /** Whether the calling code starts workflows on this: called by {@link within}, or by a run of it. */
  get isCurrent(): boolean {
    return currentEngineKey() === this.#desk.outside;
  }
}
