import { InvalidArgumentError, NonRetryableError } from '../errors/errors.js';
import { type Duration, toMs } from '../util/duration.js';
import { checkObject, told } from '../util/given.js';

const causesMax = 16;

export interface RetryOptions {
  /** How often it is tried again after the first try failed; 0 by default. */
  readonly retries?: number;
  /** The pause before each retry; it grows from `initial` (1 s) by `factor` (2) up to `max` (1 min). */
  readonly backoff?: {
    readonly initial?: Duration;
    readonly factor?: number;
    readonly max?: Duration;
    /** By how much of itself a pause is varied at random, 0 to 1, also one of `max`; 0.25 by default. */
    readonly jitter?: number;
  };
  /**
   * Whether an error is worth another try; all are by default, except a {@link NonRetryableError}.
   *
   * @param failedAttempts the tries that have failed so far, from 1
   */
  readonly retryIf?: (error: unknown, failedAttempts: number) => boolean;
}

/** {@link RetryOptions} with every value present and checked. */
export interface RetryPolicy {
  readonly retries: number;
  readonly initialMs: number;
  readonly factor: number;
  readonly maxMs: number;
  readonly jitter: number;
  readonly retryIf: (error: unknown, failedAttempts: number) => boolean;
}

/** @throws {InvalidArgumentError} for a value that doesn't hold */
export function resolveRetryPolicy({ retries = 0, backoff = {}, retryIf = () => true }: RetryOptions): RetryPolicy {
  checkObject('backoff', backoff);
  if (typeof retryIf !== 'function') throw new InvalidArgumentError(`retryIf must be a function, not ${told(retryIf)}`);
  const { initial = 1_000, factor = 2, max = 60_000, jitter = 0.25 } = backoff;
  if (retries !== Infinity && !(Number.isSafeInteger(retries) && retries >= 0)) {
    throw new InvalidArgumentError(`retries must be a whole number of at least 0, or Infinity, not ${told(retries)}`);
  }
  if (!isWithin(factor, 1, 1_000)) {
    throw new InvalidArgumentError(`backoff.factor must be between 1 and 1,000, not ${told(factor)}`);
  }
  if (!isWithin(jitter, 0, 1)) {
    throw new InvalidArgumentError(`backoff.jitter must be between 0 and 1, not ${told(jitter)}`);
  }
  return {
    retries,
    initialMs: toMs(initial, 'backoff.initial'),
    factor,
    maxMs: toMs(max, 'backoff.max'),
    jitter,
    retryIf,
  };
}

const isWithin = (value: unknown, least: number, most: number): boolean =>
  typeof value === 'number' && value >= least && value <= most;

/** Whether another try follows. A `retryIf` that throws has not said yes. Never throws, whatever was thrown. */
export function mayRetry(policy: RetryPolicy, error: unknown, failedAttempts: number): boolean {
  if (failedAttempts > policy.retries || isNonRetryable(error)) return false;
  try {
    return policy.retryIf(error, failedAttempts);
  } catch {
    return false;
  }
}

/**
 * The pause before the next try.
 *
 * @param randomFloat in [0, 1): where in the range that `jitter` allows the pause lies
 */
export function nextDelayMs(policy: RetryPolicy, failedAttempts: number, randomFloat: number): number {
  // Finite, or no pause at all would grow into NaN.
  const growth = Math.min(Number.MAX_VALUE, policy.factor ** (failedAttempts - 1));
  const grown = Math.min(policy.maxMs, policy.initialMs * growth);
  return Math.round(grown * (1 + policy.jitter * (2 * randomFloat - 1)));
}

/** A wrapped one counts too, so that a step may add context to it. */
function isNonRetryable(error: unknown): boolean {
  let current = error;
  try {
    for (let depth = 0; depth < causesMax; depth += 1) {
      if (current instanceof NonRetryableError) return true;
      if (typeof current !== 'object' || current === null || !('cause' in current)) return false;
      current = current.cause;
    }
  } catch {
    // What cannot be looked at does not say that it must not be retried.
  }
  return false;
}
