import type { ClaimedRun, NewRun } from '../store/records.js';

/** A start, before its executor has numbered the claim. */
export type StartingRun = Omit<NewRun, 'claimNo'>;

/** A run that is its starter's from the beginning. */
export function firstClaim(starting: StartingRun, claimNo: number): ClaimedRun {
  return {
    ...starting,
    claimNo,
    queue: null,
    attempt: 1,
    crashes: 0,
    cancelRequested: false,
    unchecked: false,
    retriesDue: 0,
    wasParked: false,
    isNew: true,
    waitedMs: null,
    crashLog: [],
    starterSeenAt: null,
  };
}
