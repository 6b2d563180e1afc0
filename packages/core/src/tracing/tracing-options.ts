import { InvalidArgumentError } from '../errors/errors.js';
import { type Duration, toMs } from '../util/duration.js';
import { told } from '../util/given.js';

/** How runs are traced, once an OpenTelemetry SDK is registered in the process. */
export interface TracingOptions {
  /**
   * `continue` (default): a run belongs to the trace that it was started in, however many processes execute it. `link`: each
   * time that a process takes a run on, a trace of its own begins, with a link to the start.
   */
  readonly trace?: 'continue' | 'link';
  /**
   * A run that goes on after a longer pause begins a new trace, with a link to the start; never by default. It stays in that with
   * `@perdure/otel`; without it, each time that a process takes the run on from then, another one begins.
   */
  readonly splitAfter?: Duration;
  /** `false`: no spans of steps and waits, only of whole runs. */
  readonly steps?: boolean;
  /** The entries of the OpenTelemetry baggage that are stored with runs, at most 1 KiB in all; none by default. */
  readonly baggage?: readonly string[];
}

export interface ResolvedTracing {
  readonly mode: 'continue' | 'link';
  readonly splitAfterMs: number | null; // null = never
  readonly hasSteps: boolean;
  readonly baggage: readonly string[];
}

/** @returns null where nothing is to be traced */
export function resolveTracing(options: false | TracingOptions): ResolvedTracing | null {
  if (options === false) return null;
  const { trace = 'continue', splitAfter, steps = true, baggage = [] } = options;
  if (trace !== 'continue' && trace !== 'link') {
    throw new InvalidArgumentError(`tracing.trace must be 'continue' or 'link', not ${told(trace)}`);
  }
  const splitAfterMs = splitAfter === undefined ? null : toMs(splitAfter, 'tracing.splitAfter');
  return { mode: trace, splitAfterMs, hasSteps: steps, baggage };
}
