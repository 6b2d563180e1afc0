import type { LogItem } from '../checkpoint-log/checkpoint-log.js';
import type { Codec } from '../codec/codec.js';
import type { Clock } from '../seams/clock.js';
import type { RetryMarker } from '../step/retry-marker.js';
import type { Checkpoint, ClaimedRun } from '../store/records.js';
import { Tracing } from '../tracing/tracing.js';
import { never } from '../util/never.js';
import type { Seams } from './context.js';
import type { WorkflowDefinition } from './definition.js';
import type { FoundDifference } from './difference.js';
import { arrangeHistory } from './history.js';
import { RunExecution } from './run-execution.js';
import type { RunStarter } from './run-starter.js';

/** How long a workflow may wait, in the midst of its history, for what is no durable call. */
const stuckMs = 1_000;

/**
 * Replays a run's history with this code, up to where it ends: no step begins, nothing is written, and nobody hears of it.
 * Answers with the difference, or with null if the code can go on with the run.
 *
 * Code that fails at once, where the run was still under way, doesn't fit either.
 */
export function dryRun(
  services: Seams & { readonly starter: RunStarter },
  definition: WorkflowDefinition,
  run: ClaimedRun,
  checkpoints: readonly Checkpoint[],
): Promise<FoundDifference | null> {
  const { calls, deliveries, retries } = arrangeHistory(checkpoints);
  const isAtStart = calls.size + deliveries.length === 0 || retries < run.retriesDue;
  if (isAtStart) return Promise.resolve(null);
  return new Promise((resolve) => {
    const end = (difference: FoundDifference | null): void => {
      watch.cancel();
      execution.abandon(false);
      resolve(difference);
    };
    const execution: RunExecution = new RunExecution(
      {
        ...services,
        clock: withoutAlarms(services.clock),
        tracing: new Tracing(null, services.clock, { warn: () => {} }),
        executorId: '',
        cancelChildren: async () => {},
        append(item) {
          const error = failureIn(item, services.codec);
          if (error !== null) end(failing(run, definition, services.codec.decodeError(error)));
          else if (item.kind === 'outcome') end(null);
          return never();
        },
        leaseRenewal: never,
        stuckMs,
        onLive: () => end(null),
        onBlocked: (_, difference) => end(difference),
        onRetry: () => {},
        onSettled: () => {},
      },
      definition,
      // What it logs, it has logged before or will when it is executed.
      { ...run, wasParked: true },
      checkpoints,
    );
    const watch = watchProgress(services.clock, execution, () => end(stuck(run, definition)));
    execution.begin();
  });
}

/** No deadline passes and nobody wakes; only what watches over the replay itself may go off. */
function withoutAlarms(clock: Clock): Clock {
  return {
    now: () => clock.now(),
    monotonicMs: () => clock.monotonicMs(),
    setTimer: (delayMs, fire, options) =>
      options?.background === true ? clock.setTimer(delayMs, fire, options) : { cancel: () => {} },
    nextMacrotask: (fire) => clock.nextMacrotask(fire),
    hold: () => clock.hold(),
    synchronize: () => {},
    sqlNow: () => clock.sqlNow(),
  };
}

/** Goes off when nothing has happened for long: a function that makes no call is not noticed by anything else. */
function watchProgress(clock: Clock, execution: RunExecution, onStuck: () => void): { readonly cancel: () => void } {
  let seen = execution.progress;
  const look = (): void => {
    if (execution.progress === seen) return onStuck();
    seen = execution.progress;
    timer = clock.setTimer(5 * stuckMs, look, { background: true });
  };
  let timer = clock.setTimer(5 * stuckMs, look, { background: true });
  return { cancel: () => timer.cancel() };
}

/** The encoded error that the workflow fails with, for good or until it is retried; null if it doesn't. */
function failureIn(item: LogItem, codec: Codec): string | null {
  if (item.kind === 'outcome') return item.outcome.kind === 'failed' ? item.outcome.payload : null;
  const isRetry = item.kind === 'checkpoint' && item.checkpoint.kind === 'retry';
  return isRetry ? (codec.decode(item.checkpoint.payload) as RetryMarker).error : null;
}

function failing(run: ClaimedRun, definition: WorkflowDefinition, error: unknown): FoundDifference {
  const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return { seq: null, reason: `${subject(run, definition)} fails where the run is still under way: ${what}` };
}

function stuck(run: ClaimedRun, definition: WorkflowDefinition): FoundDifference {
  const reason = `${subject(run, definition)} does not get to the end of its history: it waits for what is no durable call`;
  return { seq: null, reason };
}

const subject = (run: ClaimedRun, { version, code }: WorkflowDefinition): string =>
  `Workflow "${run.name}" (${run.workflowId}), with the code of version "${version}" (${code}),`;
