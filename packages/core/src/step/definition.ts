import { type Duration, toMs } from '../util/duration.js';
import { checkName } from '../workflow/names.js';
import { resolveRetryPolicy, type RetryOptions, type RetryPolicy } from './retry-policy.js';

export interface StepOptions extends RetryOptions {
  /**
   * The time that one try may take. Over: the try's `AbortSignal` fires and the try counts as failed with a
   * {@link StepTimeoutError}.
   */
  readonly timeout?: Duration;
}

/** A step as the engine knows it; {@link step} makes one and a callable around it. */
export interface StepDefinition {
  readonly name: string;
  readonly fn: (...args: never[]) => unknown;
  readonly timeoutMs: number | null; // null = none
  readonly retryPolicy: RetryPolicy;
}

export function defineStep(name: string, fn: (...args: never[]) => unknown, options: StepOptions): StepDefinition {
  checkName('step', name);
  return {
    name,
    fn,
    timeoutMs: options.timeout === undefined ? null : toMs(options.timeout, `timeout of step "${name}"`),
    retryPolicy: resolveRetryPolicy(options),
  };
}
