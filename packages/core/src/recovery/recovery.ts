import { RunDeadError } from '../errors/errors.js';
import type { Codec } from '../codec/codec.js';
import type { Clock } from '../seams/clock.js';
import type { Logger } from '../seams/logger.js';
import type { ExecutorStore } from '../store/executors.js';
import type { OwnershipStore } from '../store/ownership.js';

export interface RecoveryOptions {
  readonly executorId: string;
  readonly executors: ExecutorStore;
  readonly ownership: OwnershipStore;
  readonly clock: Clock;
  readonly codec: Codec;
  readonly logger: Logger;
  readonly crashesMax: number;
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
  const { executorId: exceptId, mayRevoke } = options;
  const revoked = mayRevoke ? await options.executors.revokeLapsed({ exceptId, now }) : 0;
  const released = await releaseRuns(options);
  if (revoked > 0 || released > 0)
    options.logger.info({ executors: revoked, runs: released }, 'recovered runs of executors that are gone');
  return released;
}

/** How many runs one statement releases: however many a process has left behind, each must end in its time. */
const releasedMax = 5_000;

/** Makes the runs of every revoked executor available. */
export async function releaseRuns({
  ownership,
  clock,
  codec,
  crashesMax,
}: Pick<RecoveryOptions, 'ownership' | 'clock' | 'codec' | 'crashesMax'>): Promise<number> {
  const deadPayload = codec.encodeError(new RunDeadError(crashesMax));
  let released = 0;
  for (;;) {
    const now = clock.sqlNow();
    const some = await ownership.releaseRevoked({ crashesMax, deadPayload, runsMax: releasedMax, now });
    released += some;
    if (some < releasedMax) return released;
  }
}
