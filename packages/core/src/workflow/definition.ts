import { createHash } from 'node:crypto';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { ErrorClass } from '../codec/codec.js';
import { resolveRetryPolicy, type RetryOptions, type RetryPolicy } from '../step/retry-policy.js';
import { type Duration, toMs } from '../util/duration.js';
import { checkChoice, checkList, checkObject, checkSchema } from '../util/given.js';
import { callSiteOf, unknownCallSite } from './call-site.js';
import { checkName } from './names.js';

export interface WorkflowOptions extends RetryOptions {
  /**
   * Runs started under one version are only continued by code of that version. Without it, a fingerprint of the
   * workflow function's source is the version, so that a change elsewhere strands nothing.
   */
  readonly version?: string;
  /** From start to completion, restarts included. Over: the run fails with a `WorkflowTimeoutError`. */
  readonly timeout?: Duration;
  /** Any Standard Schema (Zod, Valibot, ArkType …) for the first argument; checked, and applied, at the start. */
  readonly input?: StandardSchemaV1;
  /** Error classes that steps of this workflow throw and that should come back as themselves after a recovery. */
  readonly errors?: readonly ErrorClass[];
  /**
   * What a cancellation or a timeout does to the running function. `stop` (default): it never hears of it, and none of
   * its `catch` or `finally` blocks runs. `throw`: what it awaits rejects once, with a `CancelledError` or a
   * `WorkflowTimeoutError`, and it may run steps that compensate.
   */
  readonly onCancel?: 'stop' | 'throw';
}

/** A workflow as the engine knows it; {@link workflow} makes one and a callable around it. */
export interface WorkflowDefinition {
  readonly name: string;
  readonly version: string;
  /** A fingerprint of the function's source. */
  readonly code: string;
  /** The file and line that defined it. */
  readonly definedAt: string;
  readonly fn: (...args: never[]) => unknown;
  readonly timeoutMs: number | null; // null = none
  readonly inputSchema: StandardSchemaV1 | undefined;
  readonly errorClasses: readonly ErrorClass[];
  readonly onCancel: 'stop' | 'throw';
  /** How the whole workflow is retried after it failed; every step runs again then. */
  readonly retryPolicy: RetryPolicy;
}

/** Of a function's source. */
export function fingerprint(fn: (...args: never[]) => unknown): string {
  return createHash('sha256').update(fn.toString()).digest('hex').slice(0, 16);
}

export function defineWorkflow(
  name: string,
  fn: (...args: never[]) => unknown,
  options: WorkflowOptions,
  stack: string | undefined,
): WorkflowDefinition {
  checkName('workflow', name);
  checkObject(`The options of workflow "${name}"`, options);
  if (options.onCancel !== undefined) checkChoice('onCancel', options.onCancel, ['stop', 'throw']);
  if (options.input !== undefined) checkSchema('input', options.input);
  if (options.errors !== undefined) checkList('errors', options.errors);
  if (options.version !== undefined) checkName('version', options.version);
  const code = fingerprint(fn);
  return {
    name,
    version: options.version ?? code,
    code,
    definedAt: callSiteOf(stack) ?? unknownCallSite,
    fn,
    timeoutMs: options.timeout === undefined ? null : toMs(options.timeout, `timeout of workflow "${name}"`),
    inputSchema: options.input,
    errorClasses: options.errors ?? [],
    onCancel: options.onCancel ?? 'stop',
    retryPolicy: resolveRetryPolicy(options),
  };
}
