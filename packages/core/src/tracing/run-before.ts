import type { EpochMs } from '../seams/clock.js';
import type { Checkpoint, CheckpointKind, ClaimedRun } from '../store/records.js';
import type { Death } from './place.js';

/** Why a process executes a run. */
type RunReason = 'new' | 'resume' | 'retry' | 'recovery' | 'handover';

/** What a run has behind it when a process begins to execute it. */
export interface RunBefore {
  readonly reason: RunReason;
  readonly replayedSteps: number;
  /** How often the whole workflow was retried. */
  readonly retries: number;
  /** When the last thing of it was recorded, or it was started. */
  readonly lastAt: EpochMs;
  readonly deaths: readonly Death[];
  /** The process that died under the attempt before this one; null = none did. */
  readonly predecessor: Death | null;
}

const recordedOf = (checkpoints: readonly Checkpoint[]): readonly Checkpoint[] =>
  checkpoints.filter(({ kind }) => kind !== 'streamed');

/** What records how long a body took, in which nobody else takes the run on. */
const tries: ReadonlySet<CheckpointKind> = new Set(['step', 'attempt', 'transaction']);

/**
 * When the last pause of a run began that was longer than that, and after which a process took it on anew; null = there was
 * none. A run that came from a queue pauses only between two attempts: while it waits, it stays in memory.
 */
export function lastPause(
  run: Pick<ClaimedRun, 'createdAt' | 'queue'>,
  checkpoints: readonly Checkpoint[],
  longerThanMs: number,
  now: EpochMs,
): EpochMs | null {
  const busy = recordedOf(checkpoints)
    .map(({ kind, startedAt, finishedAt, attempt }) => ({
      from: tries.has(kind) ? startedAt : finishedAt,
      to: finishedAt,
      attempt,
    }))
    .sort((a, b) => a.from - b.from);
  let pausedAt: EpochMs | null = null;
  let last = { to: run.createdAt, attempt: 0 };
  for (const next of [...busy, { from: now, to: now, attempt: Infinity }]) {
    const stayed = run.queue !== null && next.attempt === last.attempt;
    if (next.from - last.to > longerThanMs && !stayed) pausedAt = last.to;
    if (next.to >= last.to) last = next;
  }
  return pausedAt;
}

export function runBefore(run: ClaimedRun, checkpoints: readonly Checkpoint[]): RunBefore {
  const recorded = recordedOf(checkpoints);
  const retries = recorded.filter(({ kind }) => kind === 'retry');
  const lastRetry = retries[retries.length - 1] ?? null;
  const deaths = run.crashLog.map(({ executorId, attempt, at, seenAt }) => ({
    executorId,
    attempt,
    endedAt: Date.parse(at),
    // What it recorded is a sign of life, too.
    seenAt: latest(
      Date.parse(seenAt),
      recorded.filter((checkpoint) => checkpoint.attempt === attempt),
    ),
  }));
  const death = deaths.find(({ attempt }) => attempt === run.attempt - 1) ?? null;
  const reason = reasonOf(run, lastRetry, death);
  return {
    reason,
    replayedSteps: recorded.filter(({ kind, position }) => kind === 'step' && position > (lastRetry?.position ?? -1))
      .length,
    retries: retries.length,
    lastAt: latest(run.createdAt, recorded),
    deaths,
    predecessor: reason === 'recovery' ? death : null,
  };
}

function reasonOf(run: ClaimedRun, lastRetry: Checkpoint | null, death: Death | null): RunReason {
  if (run.wasParked) return 'resume';
  if (lastRetry?.attempt === run.attempt) return 'retry';
  if (death !== null) return 'recovery';
  return run.attempt === 1 ? 'new' : 'handover';
}

function latest(since: EpochMs, checkpoints: readonly Checkpoint[]): EpochMs {
  return checkpoints.reduce((at, { finishedAt }) => Math.max(at, finishedAt), since);
}
