import type { ClaimedRun } from '../store/records.js';
import type { EngineServices } from './engine-services.js';
import { retryWhileUnavailable } from './retry-while-unavailable.js';

export interface SettingAside {
  readonly executorId: string;
  readonly run: ClaimedRun;
  /** The fingerprint of the code that does not fit. */
  readonly code: string;
  readonly reason: string;
}

/** Keeps a run from being executed until other code comes, and says why. Resolves with whether that is stored. */
export async function setAside(
  { executorId, run: { workflowId, name, claimNo }, code, reason }: SettingAside,
  services: EngineServices,
  isGone: () => boolean,
): Promise<boolean> {
  const { store, clock, logger } = services;
  logger.error({ workflowId, workflow: name }, reason);
  const block = { executorId, claimNo, workflowId, code, reason, now: clock.sqlNow() };
  try {
    await retryWhileUnavailable(services, isGone, () => store.ownership.block(block));
    return true;
  } catch (error) {
    logger.error({ err: error, workflowId }, 'a run could not be set aside; it stays with this executor');
    return false;
  }
}
