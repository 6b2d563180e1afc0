import type { IsolationLevel } from '../database/database.js';
import { type Duration, toMs } from '../util/duration.js';
import { checkObject } from '../util/given.js';
import { checkName } from '../workflow/names.js';
import { resolveRetryPolicy, type RetryOptions, type RetryPolicy } from './retry-policy.js';

export interface StepOptions extends RetryOptions {
  /**
   * The time that one try may take. Over: the try's `AbortSignal` fires and the try counts as failed with a
   * {@link StepTimeoutError}.
   */
  readonly timeout?: Duration;
}

export interface DefinedStepOptions extends StepOptions {
  /** Makes the step something that can wait in a queue by itself: `queue.enqueue(charge, order)`. Its name must then be unique. */
  readonly enqueueable?: boolean;
}

export interface TransactionOptions extends StepOptions {
  readonly isolationLevel?: IsolationLevel;
}

export interface PreparedTransactionOptions<Prepared> extends TransactionOptions {
  /**
   * Called before the transaction begins, in each try: for what takes long, such as a download, and needs no transaction.
   * What it returns is handed to the function, and not recorded.
   */
  readonly prepare: () => Prepared | Promise<Prepared>;
}

/** What the engine knows of a step, besides its function. */
export interface StepDefinition {
  readonly name: string;
  readonly timeoutMs: number | null; // null = none
  readonly retryPolicy: RetryPolicy;
}

export function defineStep(name: string, options: StepOptions): StepDefinition {
  checkName('step', name);
  checkObject(`The options of step "${name}"`, options);
  return {
    name,
    timeoutMs: options.timeout === undefined ? null : toMs(options.timeout, `timeout of step "${name}"`),
    retryPolicy: resolveRetryPolicy(options),
  };
}
