import { isSpanContextValid, trace } from '@opentelemetry/api';
import { currentRun } from './current-run.js';

/**
 * What tells a line of a log where it belongs: the active span's `trace_id`, `span_id` and `trace_flags`, and the `run_id`,
 * `workflow` and `run_attempt` of the run, with `step` and its `attempt` in the body of one. New at each call, because
 * loggers add to it.
 *
 * @example
 * const logger = pino({ mixin: logContext });
 */
export function logContext(): Record<string, unknown> {
  const span = trace.getActiveSpan()?.spanContext();
  const run = currentRun();
  return {
    ...(span !== undefined && isSpanContextValid(span)
      ? { trace_id: span.traceId, span_id: span.spanId, trace_flags: span.traceFlags.toString(16).padStart(2, '0') }
      : {}),
    ...(run === undefined ? {} : { run_id: run.workflowId, workflow: run.workflowName, run_attempt: run.attempt }),
    ...(run?.step === undefined ? {} : { step: run.step.name, attempt: run.step.attempt }),
  };
}

/** A part of a winston logger's format. */
export interface ContextFormat {
  readonly transform: <Info extends object>(info: Info) => Info;
}

/**
 * {@link logContext} for winston: a format to be combined with others. What a line says itself stands.
 *
 * @param context another one's, such as that of `@perdure/http`, which has the request's id besides
 *
 * @example
 * const logger = createLogger({ format: format.combine(contextFormat(), format.json()), transports: [new transports.Console()] });
 */
export function contextFormat(context: () => Record<string, unknown> = logContext): ContextFormat {
  return {
    transform: (info) => {
      const said = info as Record<string, unknown>;
      for (const [name, value] of Object.entries(context())) said[name] ??= value;
      return info;
    },
  };
}
