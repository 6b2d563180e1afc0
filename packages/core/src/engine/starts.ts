import { isDeepStrictEqual } from 'node:util';
import type { Codec } from '../codec/codec.js';
import { InvalidArgumentError, RunNotFoundError, WorkflowConflictError } from '../errors/errors.js';
import type { Metrics } from '../metrics/metrics.js';
import type { Clock, EpochMs } from '../seams/clock.js';
import type { Random } from '../seams/random.js';
import type { StartSpan } from '../tracing/start-span.js';
import type { Tracing } from '../tracing/tracing.js';
import { toMs } from '../util/duration.js';
import type { RunIdentity } from '../store/runs.js';
import { encodeAttributes } from '../workflow/attributes.js';
import { validateArguments } from '../workflow/input-schema.js';
import type { WorkflowDefinition } from '../workflow/definition.js';
import { checkKey, checkWorkflowId } from '../workflow/names.js';
import type { Started, StartRequest } from '../workflow/run-starter.js';
import type { StartingRun } from './first-claim.js';
import { prepareQueueing, type Queueing } from './queueing.js';

/** A start, checked. */
export interface PreparedStart {
  readonly definition: WorkflowDefinition;
  readonly run: StartingRun;
  /** How it waits; null if it begins at once. */
  readonly queueing: Queueing | null;
  /** How long it may take from when it is first taken from its queue; null = no limit, or it begins at once. */
  readonly queuedTimeoutMs: number | null;
  /** The span of the start, to be ended with what becomes of it; null = none. */
  readonly span: StartSpan | null;
}

/**
 * Checks a start at the edge and turns it into the run to be stored.
 *
 * @param maker the executor of this process; null = it has none
 */
export async function prepareStart(
  { definition, args, options, captured, parent }: StartRequest,
  {
    codec,
    clock,
    random,
    tracing,
    options: defaults,
  }: {
    readonly codec: Codec;
    readonly clock: Clock;
    readonly random: Random;
    readonly tracing: Tracing;
    readonly options: { readonly timeoutMs: number | null };
  },
  maker: string | null,
): Promise<PreparedStart> {
  const { carried, trace } = captured;
  if ('error' in carried) throw carried.error;
  const queueing = prepareQueueing(options);
  const workflowId = options.workflowId === undefined ? random.uuid() : checkWorkflowId(options.workflowId);
  const input = await validateArguments(definition, args);
  const createdAt = clock.now();
  const detached = options.detached ?? false;
  const timeoutMs =
    options.timeout === undefined ? (definition.timeoutMs ?? defaults.timeoutMs) : toMs(options.timeout, 'timeout');
  const run = {
    workflowId,
    name: definition.name,
    version: definition.version,
    input: codec.encode(input),
    parentId: parent?.workflowId ?? null,
    detached,
    context: carried.encoded,
    fingerprint: options.fingerprint === undefined ? null : checkKey('A fingerprint', options.fingerprint),
    attributes: encodeAttributes(options.attributes),
    seed: random.uuid(),
    createdAt,
    deadlineAt: earliest(
      timeoutMs === null || queueing !== null ? null : createdAt + timeoutMs,
      options.deadline === undefined ? null : checkDeadline(options.deadline),
      detached ? null : (parent?.deadlineAt ?? null),
    ),
  };
  const queuedTimeoutMs = queueing === null ? null : timeoutMs;
  const span = tracing.start(trace, { ...run, queue: queueing?.item.queue ?? null }, maker);
  const stored = span?.stored ?? (trace?.kind === 'passed-on' ? trace.stored : null);
  return { definition, run: { ...run, trace: stored }, queueing, queuedTimeoutMs, span };
}

/** Makes a start durable: counts it if it is new, and ends its span with what became of it. */
export async function carryOut<T extends Pick<Started, 'isNew' | 'trace'>>(
  starting: Pick<PreparedStart, 'run' | 'span'>,
  metrics: Metrics,
  make: () => Promise<T>,
): Promise<T> {
  try {
    const started = await make();
    startedAs(starting, metrics, started);
    return started;
  } catch (error) {
    starting.span?.failed(error);
    throw error;
  }
}

/** A start is durable. */
export function startedAs(
  { run, span }: Pick<PreparedStart, 'run' | 'span'>,
  metrics: Metrics,
  started: Pick<Started, 'isNew' | 'trace'>,
): void {
  if (started.isNew) metrics.started(run.name);
  span?.started(started);
}

/**
 * A start that found its workflow id taken is the same run if the workflow is the same, and the fingerprint where it has
 * one, else the input.
 *
 * @param existing null = it is gone by now
 * @throws {WorkflowConflictError} if they are not
 */
export function foundRun(existing: RunIdentity | null, starting: StartingRun, codec: Codec): Started {
  const { workflowId, seed } = starting;
  if (existing === null) throw new RunNotFoundError(workflowId);
  checkSameRun(existing, starting, codec);
  // The seed is drawn for each start: one that was sent twice has made the run that it finds.
  return { workflowId, isNew: existing.seed === seed, trace: existing.trace };
}

function checkSameRun(existing: RunIdentity, starting: StartingRun, codec: Codec): void {
  if (existing.name !== starting.name) {
    throw new WorkflowConflictError(starting.workflowId, {
      reason: 'workflow',
      existing: existing.name,
      given: starting.name,
    });
  }
  if (starting.fingerprint !== null) {
    if (existing.fingerprint === starting.fingerprint) return;
    throw new WorkflowConflictError(starting.workflowId, { reason: 'fingerprint' });
  }
  if (existing.input === starting.input) return;
  if (!isDeepStrictEqual(codec.decode(existing.input), codec.decode(starting.input))) {
    throw new WorkflowConflictError(starting.workflowId, { reason: 'input' });
  }
}

function checkDeadline(deadline: Date): EpochMs {
  const at = deadline.getTime();
  if (Number.isNaN(at)) throw new InvalidArgumentError('deadline is not a valid Date');
  return at;
}

function earliest(...deadlines: readonly (EpochMs | null)[]): EpochMs | null {
  const set = deadlines.filter((deadline) => deadline !== null);
  return set.length === 0 ? null : Math.min(...set);
}
