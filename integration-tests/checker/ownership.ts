import type { Cases, RunCase } from './cases.js';
import type { RunEvent } from './evidence.js';
import type { Finding } from './violation.js';

/** O1 */
export function doubleClaims({ runs, executorEvents }: Cases): Finding[] {
  const revoked = new Map(
    executorEvents.filter(({ isRevoked }) => isRevoked).map((event) => [event.executorId, event]),
  );
  return runs.flatMap((run) => claimFindings(run, revoked));
}

function claimFindings(
  { workflowId, runEvents, checkpoints }: RunCase,
  revoked: ReadonlyMap<string, Cases['executorEvents'][number]>,
): Finding[] {
  const seen = new Map<string, RunEvent>();
  let before: RunEvent | null = null;
  for (const event of runEvents) {
    const token = `${event.executorId} ${event.claimNo}`;
    const isNew = event.state === 'owned' && (before?.state !== 'owned' || tokenOf(before) !== token);
    if (isNew) {
      if (before?.state === 'owned')
        return [{ workflowId, what: 'it was claimed while another claim held it', history: [before, event] }];
      const earlier = seen.get(token);
      if (earlier !== undefined)
        return [{ workflowId, what: 'a claim came about a second time', history: [earlier, event] }];
      const end = revoked.get(event.executorId ?? '');
      if (end !== undefined && end.at < event.at)
        return [{ workflowId, what: 'an executor that was revoked claimed it', history: [end, event] }];
      seen.set(token, event);
    }
    if (before !== null && event.attempt < before.attempt)
      return [{ workflowId, what: 'its attempts went back', history: [before, event] }];
    before = event;
  }
  for (const [index, checkpoint] of checkpoints.entries()) {
    const earlier = checkpoints[index - 1];
    if (earlier !== undefined && checkpoint.attempt < earlier.attempt)
      return [{ workflowId, what: 'a checkpoint of an earlier attempt came later', history: [earlier, checkpoint] }];
  }
  return [];
}

const tokenOf = ({ executorId, claimNo }: RunEvent): string => `${executorId} ${claimNo}`;

/** O2 */
export function foreignWrites({ runs, processOf }: Cases): Finding[] {
  return runs.flatMap(({ workflowId, audit }) => {
    let run: RunEvent | null = null;
    for (const event of audit) {
      if (event.noun === 'run') {
        run = event;
        continue;
      }
      if ((event.noun !== 'checkpoint' && event.noun !== 'outcome') || event.change !== 'insert') continue;
      // Whoever cancels or gives up a run that nobody owns ends it in the same transaction.
      const isEndedUnowned =
        event.noun === 'outcome' && run?.state === 'settled' && run.transaction === event.transaction;
      if (isEndedUnowned) continue;
      const isOwners = run?.state === 'owned' && processOf.get(run.executorId ?? '') === event.writer;
      if (isOwners) continue;
      const what = `a ${event.noun} was written by ${event.writer}, which did not own the run`;
      return [{ workflowId, what, history: run === null ? [event] : [run, event] }];
    }
    return [];
  });
}
