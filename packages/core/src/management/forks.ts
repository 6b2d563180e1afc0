import { SpanKind } from '@opentelemetry/api';
import type { Codec } from '../codec/codec.js';
import { InvalidArgumentError, RunNotFoundError, WorkflowConflictError } from '../errors/errors.js';
import { prepareQueueing } from '../engine/queueing.js';
import type { Clock } from '../seams/clock.js';
import type { Random } from '../seams/random.js';
import type { ForkSource, NewFork } from '../store/forks.js';
import type { Attributes, Checkpoint } from '../store/records.js';
import type { Store } from '../store/store.js';
import { runAttributes } from '../tracing/attributes.js';
import type { Tracing } from '../tracing/tracing.js';
import { type Duration, toMs } from '../util/duration.js';
import { encodeAttributes } from '../workflow/attributes.js';
import { checkName, checkWorkflowId } from '../workflow/names.js';
import type { StartOptions } from '../workflow/run-starter.js';
import { anyVersion } from '../workflow/stand-in.js';
import { lastTry } from './steps.js';

/**
 * Where a fork goes on by itself: at a call by its number, at the last one of a name, at the one that `failed` last (where
 * none has, after all of them, so that only the code of the workflow runs again), or at the `last` one.
 */
export type ForkPoint = number | 'failed' | 'last' | { readonly step: string };

export interface ForkOptions extends Pick<StartOptions, 'key' | 'priority' | 'units'> {
  /** 0, the beginning, by default. */
  readonly from?: ForkPoint;
  /** Makes the fork idempotent. Random where left out. */
  readonly workflowId?: string;
  /** That of the source by default; `any`: that of the first process to take it, which is the latest that it knows. */
  readonly version?: string | { readonly any: true };
  /** From now to its completion; no limit by default. */
  readonly timeout?: Duration;
  /** The source's by default. */
  readonly attributes?: Attributes;
  /** Where it waits, as the source did by default; null = it begins at once. */
  readonly queue?: string | { readonly name: string } | null;
}

export interface Fork {
  readonly workflowId: string;
  readonly forkedFrom: string;
  /** The first call that it makes by itself. */
  readonly step: number;
}

export interface ForksOptions {
  readonly store: Pick<Store, 'forks' | 'runs'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly codec: Codec;
  readonly tracing: Tracing;
  /** Repeats a question while the database is away. */
  readonly ask: <T>(send: () => Promise<T>) => Promise<T>;
  /** @throws {QueueNotFoundError} */
  readonly ensureQueue: (queue: string) => Promise<void>;
  /** There is more to take. */
  readonly onForked: () => void;
}

/** New runs that begin with the history of others. */
export class Forks {
  readonly #options: ForksOptions;

  constructor(options: ForksOptions) {
    this.#options = options;
  }

  /** @throws {RunNotFoundError} | {@link WorkflowConflictError} */
  async fork(sourceId: string, options: ForkOptions): Promise<Fork> {
    return await this.#make(await this.#plan(sourceId, options), options);
  }

  /**
   * All are planned before the first is made, so that none executes where one of them cannot be.
   *
   * @throws {RunNotFoundError}
   */
  async forkAll(
    sourceIds: readonly string[],
    options: Omit<ForkOptions, 'workflowId'>,
    onProgress: (done: number) => void,
  ): Promise<Fork[]> {
    const plans: ForkPlan[] = [];
    for (const sourceId of sourceIds) plans.push(await this.#plan(sourceId, options));
    const forks: Fork[] = [];
    for (const plan of plans) {
      forks.push(await this.#make(plan, options));
      onProgress(forks.length);
    }
    return forks;
  }

  /** What is wrong with a fork shows here, before it is made. @throws {RunNotFoundError} */
  async #plan(sourceId: string, options: ForkOptions): Promise<ForkPlan> {
    const { store, ask, random, ensureQueue } = this.#options;
    const workflowId = options.workflowId === undefined ? random.uuid() : checkWorkflowId(options.workflowId);
    const from = checkPoint(options.from ?? 0);
    const source = await ask(() => store.forks.findSource(sourceId));
    if (source === null) throw new RunNotFoundError(sourceId);
    const step = from === 0 ? 0 : await this.#stepOf(sourceId, from);
    const plan = planOf({ sourceId, workflowId, step }, source, options);
    if (plan.queue !== null) await ensureQueue(plan.queue);
    return plan;
  }

  /** @throws {RunNotFoundError} | {@link WorkflowConflictError} */
  async #make(plan: ForkPlan, options: ForkOptions): Promise<Fork> {
    const { workflowId, sourceId, source } = plan;
    const attributes = { ...runAttributes({ workflowId, name: source.name }), 'perdure.workflow.target_id': sourceId };
    const span = this.#options.tracing.request(`fork ${source.name}`, SpanKind.INTERNAL, attributes, null);
    span?.linkToRun(source.trace);
    return await (span === null ? this.#insert(plan, options) : span.around(() => this.#insert(plan, options)));
  }

  async #insert(plan: ForkPlan, { timeout }: ForkOptions): Promise<Fork> {
    const { store, ask, clock, onForked } = this.#options;
    const { sourceId, workflowId, step } = plan;
    const deadlineAt = timeout === undefined ? null : clock.now() + toMs(timeout, 'timeout');
    const fork: NewFork = { ...plan, deadlineAt, now: clock.sqlNow() };
    await ask(() => store.forks.fork(fork));
    const made = await ask(() => store.forks.findOrigin(workflowId));
    // It was deleted at once, or the source was before it.
    if (made === null) throw new RunNotFoundError(sourceId);
    if (made.forkedFrom !== sourceId || made.step !== step) {
      const existing = made.forkedFrom === null ? 'no fork' : `a fork of "${made.forkedFrom}" at ${made.step}`;
      throw new WorkflowConflictError(workflowId, {
        reason: 'fork',
        existing,
        given: `a fork of "${sourceId}" at ${step}`,
      });
    }
    onForked();
    return { workflowId, forkedFrom: sourceId, step };
  }

  async #stepOf(sourceId: string, from: ForkPoint): Promise<number> {
    const { store, ask } = this.#options;
    const history = (await ask(() => store.runs.loadHistories([sourceId]))).get(sourceId) ?? [];
    return stepOf(sourceId, lastTry(history), from);
  }
}

/** A fork that can be made, whenever that is. */
type ForkPlan = Omit<NewFork, 'deadlineAt' | 'now'> & { readonly source: ForkSource };

function planOf(
  ids: Pick<NewFork, 'sourceId' | 'workflowId' | 'step'>,
  source: ForkSource,
  { version, attributes, queue = source.queue, ...options }: ForkOptions,
): ForkPlan {
  const { key = source.key === '' ? undefined : source.key } = options;
  const { priority = source.priority, units = source.units } = options;
  const queueing =
    queue === null ? null : prepareQueueing({ queue, priority, units, ...(key !== undefined && { key }) });
  if (queueing === null) prepareQueueing(pickGiven(options));
  return {
    ...ids,
    source,
    version:
      version === undefined ? source.version : typeof version === 'string' ? checkName('version', version) : anyVersion,
    attributes: encodeAttributes(attributes),
    queue: queueing?.item.queue ?? null,
    key: queueing?.item.key ?? '',
    priority: queueing?.item.priority ?? 0,
    units: queueing?.item.units ?? 1,
  };
}

/** What needs a queue has none: {@link prepareQueueing} says so. */
function pickGiven({ key, priority, units }: Pick<StartOptions, 'key' | 'priority' | 'units'>): StartOptions {
  return {
    ...(key !== undefined && { key }),
    ...(priority !== undefined && { priority }),
    ...(units !== undefined && { units }),
  };
}

function checkPoint(from: ForkPoint): ForkPoint {
  if (typeof from === 'number' && Number.isSafeInteger(from) && from >= 0) return from;
  if (from === 'failed' || from === 'last') return from;
  if (typeof from === 'object' && from !== null && typeof from.step === 'string') return from;
  throw new InvalidArgumentError("from must be the number of a step, 'failed', 'last' or { step: 'its name' }");
}

function stepOf(sourceId: string, history: readonly Checkpoint[], from: ForkPoint): number {
  const calls = history.filter(({ seq }) => seq >= 0);
  const end = Math.max(-1, ...calls.map(({ seq }) => seq)) + 1;
  if (typeof from === 'number') {
    if (from <= end) return from;
    throw new InvalidArgumentError(`Run "${sourceId}" has made ${end} calls; it cannot be forked at number ${from}`);
  }
  if (from === 'failed') return calls.filter(({ failed, kind }) => failed && kind !== 'attempt').at(-1)?.seq ?? end;
  if (from === 'last') return Math.max(0, end - 1);
  const named = calls.filter(({ name }) => name === from.step).map(({ seq }) => seq);
  if (named.length > 0) return Math.max(...named);
  throw new InvalidArgumentError(`Run "${sourceId}" has made no call "${from.step}"`);
}
