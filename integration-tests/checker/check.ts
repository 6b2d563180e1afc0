import { type Cases, sortEvidence } from './cases.js';
import { ignoredCancellations, leftOpen, visibleInfrastructure, wrongPoison } from './endings.js';
import type { Evidence } from './evidence.js';
import { wrongMessages } from './messages.js';
import { changedOutcomes, differingResults, unfinishedRuns } from './outcomes.js';
import { doubleClaims, foreignWrites } from './ownership.js';
import { doubledItems, overtaken, passedLimits, passedRates } from './queues.js';
import { repeatedAfterCheckpoint, unexplainedRepetitions, wrongBookings, wrongCalls } from './steps.js';
import { earlyTimers, wrongSlots } from './times.js';
import { type Finding, type InvariantId, tell, type Violation } from './violation.js';

const checks: Readonly<Record<InvariantId, (cases: Cases) => Finding[]>> = {
  W1: unfinishedRuns,
  W2: differingResults,
  W3: changedOutcomes,
  S1: repeatedAfterCheckpoint,
  S2: wrongBookings,
  S3: unexplainedRepetitions,
  S4: wrongCalls,
  O1: doubleClaims,
  O2: foreignWrites,
  Q1: passedLimits,
  Q2: passedRates,
  Q3: overtaken,
  Q4: doubledItems,
  M1: wrongMessages,
  T1: earlyTimers,
  C1: wrongSlots,
  X1: ignoredCancellations,
  P1: wrongPoison,
  R1: leftOpen,
  E1: visibleInfrastructure,
};

/** Every violation of every invariant. */
export function check(evidence: Evidence): Violation[] {
  const cases = sortEvidence(evidence);
  return (Object.keys(checks) as InvariantId[]).flatMap((invariant) =>
    checks[invariant](cases).map(({ workflowId, what, history }) => ({
      invariant,
      seed: evidence.seed,
      workflowId,
      what,
      history: tell(history),
    })),
  );
}
