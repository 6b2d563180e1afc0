import type { TransactionClient } from '../database/database.js';
import { StepTimeoutError } from '../errors/errors.js';
import type { Clock, EpochMs } from '../seams/clock.js';
import type { OpenSpan } from '../tracing/traced-run.js';
import { following } from '../util/following.js';
import type { WorkflowContext } from '../workflow/context.js';
import type { DurableCall, OpenCall } from '../workflow/durable-call.js';
import type { RetryMarker } from './retry-marker.js';
import { mayRetry, nextDelayMs } from './retry-policy.js';
import type { StepDefinition } from './definition.js';
import { StepFrame, type TryState } from './step-frame.js';

/** One try of a step, as far as it depends on the kind of the step. */
export interface StepTry {
  readonly context: WorkflowContext;
  readonly call: OpenCall;
  /**
   * Calls user code in the step's context and within its timeout.
   *
   * @param transaction what the body writes with, if its data and its checkpoint are one transaction
   */
  readonly enter: <T>(fn: () => T | Promise<T>, transaction?: TransactionClient) => Promise<T>;
}

/**
 * Tries a step once. Resolves with the encoded result; with `againInMs` where something else than the step is to blame, and
 * the try does not count; or with `stopped` if the run does not go on in this process.
 */
export type StepBody = (
  stepTry: StepTry,
) => Promise<{ readonly payload: string | null } | { readonly againInMs: number } | 'stopped'>;

/**
 * A step as a durable call: tries the body until it succeeds or the policy gives up, and records every failed try, so
 * that a restart goes on counting where the last process stopped.
 */
export function stepCall(definition: StepDefinition, body: StepBody, context: WorkflowContext): DurableCall {
  const issuedAt = context.now();
  return {
    kind: 'step',
    name: definition.name,
    perform: (call) => performStep(definition, body, context, call, issuedAt),
  };
}

async function performStep(
  definition: StepDefinition,
  body: StepBody,
  context: WorkflowContext,
  call: OpenCall,
  issuedAt: EpochMs,
): Promise<void> {
  const { clock, codec, random, metrics } = context.seams;
  const { workflowName } = context;
  const committed = call.markers.find((marker) => marker.kind === 'transaction');
  if (committed !== undefined) {
    context.trace?.tryWasLost(call, call.markers.length, issuedAt);
    call.complete({ payload: committed.payload, failed: false, startedAt: committed.startedAt });
    return;
  }
  // Of a process that died.
  call.rollBack();
  let failedAttempts = call.markers.length;
  const lastMarker = call.markers[failedAttempts - 1];
  let retryAt = lastMarker === undefined ? 0 : (codec.decode(lastMarker.payload) as RetryMarker).retryAt;
  // Of the try that is under way, however often it is repeated; null = none is, or nothing is traced.
  let span: OpenSpan | null = null;
  // What is aborted waits for no other try: the timer would keep the process.
  while (!call.isAborted) {
    if (retryAt > clock.now()) await delay(clock, retryAt - clock.now(), call.signal);
    await call.permission();
    // An interruption that was delivered in the same turn has answered the call already: its body must not begin.
    if (call.isAborted) return;
    const startedAt = clock.now();
    const begunMs = metrics.isOn ? clock.monotonicMs() : 0;
    span ??= context.trace?.stepTry(call, failedAttempts + 1, issuedAt) ?? null;
    const attempt = await call.track(tryOnce(definition, body, context, call, failedAttempts + 1, span));
    if (attempt === 'stopped') return;
    if ('againInMs' in attempt) {
      retryAt = clock.now() + attempt.againInMs;
      continue;
    }
    if (metrics.isOn) {
      const failure = 'error' in attempt ? (): unknown => attempt.error : null;
      metrics.stepTried(workflowName, call.name, clock.monotonicMs() - begunMs, failure);
    }
    if ('payload' in attempt) {
      span?.over(null);
      call.complete({ payload: attempt.payload, failed: false, startedAt, span });
      return;
    }
    span?.over(attempt);
    failedAttempts += 1;
    call.rollBack();
    const error = codec.encodeError(attempt.error);
    if (!mayRetry(definition.retryPolicy, attempt.error, failedAttempts)) {
      call.complete({ payload: error, failed: true, startedAt, span });
      return;
    }
    retryAt = clock.now() + nextDelayMs(definition.retryPolicy, failedAttempts, random.float());
    metrics.stepRetried(workflowName, call.name);
    const marker: RetryMarker = { retryAt, error };
    call.mark('attempt', codec.encodeRecord(marker), startedAt, span);
    span = null;
  }
}

type Attempt = Awaited<ReturnType<StepBody>> | { readonly error: unknown };

/** Runs the body once; a result that cannot be stored counts as its failure. */
async function tryOnce(
  definition: StepDefinition,
  body: StepBody,
  context: WorkflowContext,
  call: OpenCall,
  attempt: number,
  span: OpenSpan | null,
): Promise<Attempt> {
  const { clock, contexts, carriers } = context.seams;
  const timeout = startTimeout(definition, clock, call);
  const state: TryState = { attempt, signal: timeout?.signal ?? null, runs: 0, isOver: false };
  const enter: StepTry['enter'] = (fn, transaction) => {
    const frame = new StepFrame(context, call, state, transaction ?? null);
    const whole = async () => {
      try {
        return await fn();
      } finally {
        frame.returned();
      }
    };
    const run = () => contexts.run(frame, () => carriers.restore(context.carried, whole));
    const running = span === null ? run() : span.enter(run);
    return timeout === null ? running : Promise.race([running, timeout.expiry]);
  };
  try {
    return await body({ context, call, enter });
  } catch (error) {
    return { error };
  } finally {
    state.isOver = true;
    timeout?.stop();
  }
}

interface Timeout {
  readonly signal: AbortSignal;
  /** Rejects when the time is over; the body is then left to its signal. */
  readonly expiry: Promise<never>;
  stop(): void;
}

function startTimeout(definition: StepDefinition, clock: Clock, call: OpenCall): Timeout | null {
  const { timeoutMs } = definition;
  if (timeoutMs === null) return null;
  const controller = following(call.signal);
  let stop = (): void => {};
  const expiry = new Promise<never>((_, reject) => {
    const timer = clock.setTimer(timeoutMs, () => {
      const error = new StepTimeoutError(definition.name, timeoutMs);
      controller.abort(error);
      reject(error);
    });
    stop = () => timer.cancel();
  });
  // It may run out while nothing of the user's is running.
  expiry.catch(() => {});
  return { signal: controller.signal, expiry, stop };
}

/** Waits between two tries; ends early, without a word, when the call no longer matters. */
function delay(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const cancel = (): void => timer.cancel();
    const timer = clock.setTimer(delayMs, () => {
      signal.removeEventListener('abort', cancel);
      resolve();
    });
    signal.addEventListener('abort', cancel, { once: true });
  });
}
