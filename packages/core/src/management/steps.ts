import type { Codec } from '../codec/codec.js';
import type { EpochMs } from '../seams/clock.js';
import type { RetryMarker } from '../step/retry-marker.js';
import type { CallKind, Checkpoint } from '../store/records.js';
import { arrangeHistory, loneTransactions, type RecordedCall } from '../workflow/history.js';
import type { Started } from '../workflow/run-starter.js';

/** A try of a step that failed, and after which there was another one. */
export interface FailedTry {
  readonly startedAt: EpochMs;
  readonly failedAt: EpochMs;
  readonly retryAt: EpochMs;
  readonly error: unknown;
}

/** What is recorded of a durable call of a run: a step, a sleep, a child … */
export interface RecordedStep {
  /** Its number: 0, 1, 2 … in the order in which the workflow made its calls. A fork begins at one. */
  readonly step: number;
  readonly kind: CallKind;
  readonly name: string;
  /** `open`: it is not known to have ended, but that it began. */
  readonly status: 'completed' | 'failed' | 'open';
  /** How often the whole workflow had been retried before. */
  readonly retries: number;
  /** Its tries that failed before the last one. */
  readonly failedTries: readonly FailedTry[];
  readonly startedAt: EpochMs;
  readonly finishedAt: EpochMs | null; // null = it is open
  /** The run that it started in the background; null = none. A child that is awaited has this run as its parent. */
  readonly startedId: string | null;
  /** The result, if it has completed. */
  readonly value?: unknown;
  /** If it has failed. */
  readonly error?: unknown;
}

/** The calls that a history has, in the order of their numbers; those of earlier tries of the whole workflow come first. */
export function recordedSteps(history: readonly Checkpoint[], codec: Codec): RecordedStep[] {
  return tries(history).flatMap((checkpoints, retries) =>
    [...arrangeHistory(checkpoints).calls]
      .toSorted(([a], [b]) => a - b)
      .map(([step, call]) => toStep(step, call, retries, codec)),
  );
}

/** The last try of the whole workflow. */
export function lastTry(history: readonly Checkpoint[]): readonly Checkpoint[] {
  return tries(history).at(-1) ?? [];
}

/** The checkpoints of each try; results that only transactions have are the last one's. */
function tries(history: readonly Checkpoint[]): readonly (readonly Checkpoint[])[] {
  const found: Checkpoint[][] = [[]];
  for (const checkpoint of history.filter(({ kind, position }) => kind !== 'streamed' && position >= 0)) {
    if (checkpoint.kind === 'retry') found.push([]);
    else found.at(-1)?.push(checkpoint);
  }
  found.at(-1)?.push(...loneTransactions(history));
  return found;
}

function toStep(
  step: number,
  { kind, name, markers, result }: RecordedCall,
  retries: number,
  codec: Codec,
): RecordedStep {
  // A transactional step has committed, though nobody has heard of it yet.
  const committed = markers.find((marker) => marker.kind === 'transaction') ?? null;
  const end = result ?? committed;
  const first = markers[0] ?? end;
  const status = end === null ? 'open' : end.failed ? 'failed' : 'completed';
  const value = status === 'completed' ? readable(() => codec.decode(end?.payload ?? null)) : undefined;
  return {
    step,
    kind,
    name,
    status,
    retries,
    failedTries: markers.filter((marker) => marker.kind === 'attempt').map((marker) => toFailedTry(marker, codec)),
    startedAt: first?.startedAt ?? 0,
    finishedAt: end?.finishedAt ?? null,
    startedId: kind === 'start' && value !== undefined ? (value as Started).workflowId : null,
    ...(status === 'completed' && { value }),
    ...(status === 'failed' && { error: readable(() => codec.decodeError(end?.payload ?? '')) }),
  };
}

function toFailedTry({ payload, startedAt, finishedAt }: Checkpoint, codec: Codec): FailedTry {
  const { retryAt, error } = codec.decode(payload) as RetryMarker;
  return {
    startedAt,
    failedAt: finishedAt,
    retryAt,
    error: error === null ? undefined : readable(() => codec.decodeError(error)),
  };
}

/** A value that cannot be read must not hide the others. */
export function readable(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    return error;
  }
}
