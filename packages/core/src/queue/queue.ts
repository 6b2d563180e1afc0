import type { StartedRun, StartOptions } from '../workflow/run-starter.js';
import { processState } from '../workflow/process-state.js';
import { checkName } from '../workflow/names.js';
import type { BoundOptions, Workflow } from '../workflow/workflow.js';
import type { QueueingOptions } from './queueing-options.js';
import { checkSettings, type QueueDefinition, type QueueSettings } from './queue-settings.js';

/** Something that can wait in a queue: a workflow, or a step that was defined with `enqueueable`. */
export type Enqueueable<Args extends readonly unknown[], Result> =
  Workflow<Args, Result> | { readonly asWorkflow: Workflow<Args, Result> };

/** How a run is enqueued; bind them with `queue.with(options)`. */
export type EnqueueOptions = QueueingOptions &
  Pick<StartOptions, 'workflowId' | 'fingerprint' | 'timeout' | 'deadline' | 'detached' | 'transaction'> &
  Pick<BoundOptions, 'engine'>;

/** Where runs wait until its limits let them begin, in whichever process has room. */
export interface Queue {
  readonly name: string;
  /** Resolves once the run is durable; it begins as soon as the queue's limits allow. */
  enqueue<Args extends readonly unknown[], Result>(
    work: Enqueueable<Args, Result>,
    ...args: Args
  ): Promise<StartedRun<Result>>;
  /** Many at once, in this order, in as few commits as possible. */
  enqueueMany<Args extends readonly unknown[], Result>(
    work: Enqueueable<Args, Result>,
    inputs: readonly Args[],
  ): Promise<StartedRun<Result>[]>;
  /** The same queue with options bound. */
  with(options: EnqueueOptions): Queue;
}

/**
 * Declares a queue and its limits. Every process that declares it serves it, unless it was launched with other `queues`;
 * limits that were changed at run time stay as they were changed.
 *
 * @param name how its items are stored; it must not change while runs wait
 * @throws {InvalidArgumentError} for a name or a limit that doesn't hold
 *
 * @example
 * const emails = queue('emails', { concurrency: 20, rateLimit: { limit: 100, per: '1m' }, perKey: { concurrency: 2 } });
 * const run = await emails.with({ key: customer.id, priority: 5 }).enqueue(sendInvoice, order);
 * await run.result();
 */
export function queue(name: string, settings: QueueSettings = {}): Queue {
  checkName('queue', name);
  const definition: QueueDefinition = { name, settings: checkSettings(name, settings) };
  processState().queues.set(name, definition);
  return bound(name, {});
}

function bound(name: string, options: EnqueueOptions): Queue {
  const enqueue: Queue['enqueue'] = (work, ...args) =>
    workflowOf(work)
      .with({ ...options, queue: name })
      .start(...args);
  return {
    name,
    enqueue,
    enqueueMany: (work, inputs) => Promise.all(inputs.map((args) => enqueue(work, ...args))),
    with: (changes) => bound(name, { ...options, ...changes }),
  };
}

function workflowOf<Args extends readonly unknown[], Result>(work: Enqueueable<Args, Result>): Workflow<Args, Result> {
  return 'asWorkflow' in work ? work.asWorkflow : work;
}
