import { RunDeadError } from '../errors/errors.js';
import type { Codec } from '../codec/codec.js';
import type { Metrics } from '../metrics/metrics.js';
import type { Clock } from '../seams/clock.js';
import type { Logger } from '../seams/logger.js';
import type { ExecutorStore, LostExecutor } from '../store/executors.js';
import type { OwnershipStore } from '../store/ownership.js';
import type { Tracing } from '../tracing/tracing.js';

export interface RecoveryOptions {
  readonly executorId: string;
  readonly executors: ExecutorStore;
  readonly ownership: OwnershipStore;
  readonly clock: Clock;
  readonly codec: Codec;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly tracing: Tracing;
  readonly crashesMax: number;
  /** How long before its end a lease was renewed the last time, where all processes have the same. */
  readonly leaseMs: number;
  /** Whether leases that lapsed may be revoked; see {@link Lease.isSteady}. Else only what is revoked already is freed. */
  readonly mayRevoke: boolean;
}

/**
 * Frees the runs of executors that died: revokes every lease that lapsed, then makes what they owned available.
 *
 * These are two statements on purpose. Revoking waits for the dead executor's writes in flight; only a statement that
 * begins afterwards sees all of them. Each is safe to repeat, and a crash in between leaves a revoked executor, whose runs
 * the next sweep of any process frees.
 *
 * @returns how many runs were freed
 */
export async function recoverRuns(options: RecoveryOptions): Promise<number> {
  const now = options.clock.sqlNow();
  const { executorId: exceptId, mayRevoke, metrics, clock, leaseMs } = options;
  const sentAtMs = clock.monotonicMs();
  const lost = mayRevoke ? await options.executors.revokeLapsed({ exceptId, now }) : [];
  const mayRelease = lost.length > 0 || (await options.ownership.hasRevoked());
  const released = mayRelease ? await releaseRuns(options) : 0;
  for (const { lapsedMs } of lost) metrics.foundDead(lapsedMs + leaseMs + clock.monotonicMs() - sentAtMs);
  if (lost.length > 0) await tellOfLost(options, lost);
  if (lost.length > 0 || released > 0)
    options.logger.info({ executors: lost.length, runs: released }, 'recovered runs of executors that are gone');
  return released;
}

/**
 * Spans of callers that waited in a process that died are lost with it, though the runs go on elsewhere; and of starts, if it
 * died before it had sent them.
 */
async function tellOfLost(
  { tracing, ownership, clock, logger }: RecoveryOptions,
  lost: readonly LostExecutor[],
): Promise<void> {
  if (!tracing.tellsOfOthers) return;
  try {
    const executorIds = lost.map(({ executorId }) => executorId);
    const awaited = await ownership.findAwaited({ executorIds, now: clock.sqlNow() });
    tracing.callersWereLost(awaited);
    const telling = lost.filter(({ sentUntil }) => sentUntil !== null);
    if (telling.length === 0) return;
    const told = new Set(awaited.map(({ workflowId }) => workflowId));
    tracing.startersWereLost(await ownership.findBegun(telling), telling, told);
  } catch (error) {
    logger.debug({ err: error }, 'traces lack the callers and starts that were lost with their processes');
  }
}

/** How many runs one statement releases: however many a process has left behind, each must end in its time. */
const releasedMax = 5_000;

/** Makes the runs of every revoked executor available. */
export async function releaseRuns({
  ownership,
  clock,
  codec,
  crashesMax,
  metrics,
}: Pick<RecoveryOptions, 'ownership' | 'clock' | 'codec' | 'crashesMax' | 'metrics'>): Promise<number> {
  const deadPayload = codec.encodeError(new RunDeadError(crashesMax));
  let released = 0;
  for (;;) {
    const now = clock.sqlNow();
    const groups = await ownership.releaseRevoked({ crashesMax, deadPayload, runsMax: releasedMax, now });
    for (const { workflow, crashed, dead, runs } of groups) {
      if (dead) metrics.gaveUp(workflow, runs);
      else metrics.freed(workflow, crashed ? 'crash' : 'handover', runs);
    }
    const some = groups.reduce((sum, { runs }) => sum + runs, 0);
    released += some;
    if (some < releasedMax) return released;
  }
}
