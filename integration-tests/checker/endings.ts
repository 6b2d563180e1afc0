import type { Cases } from './cases.js';
import { graceEnd } from './stalls.js';
import type { Finding } from './violation.js';

/** X1 */
export function ignoredCancellations({ runs, stalls, evidence }: Cases): Finding[] {
  const { cancelGraceMs } = evidence.rules;
  return runs.flatMap(({ workflowId, clients, ledger, outcomes }): Finding[] => {
    const cancelled = clients.find(({ kind, phase }) => kind === 'cancel' && phase === 'ok');
    if (cancelled === undefined) return [];
    const late = ledger.find(
      ({ event, at, process }) => event === 'begin' && at > graceEnd(stalls, process, cancelled.at, cancelGraceMs),
    );
    if (late !== undefined) return [{ workflowId, what: 'a step began afterwards', history: [cancelled, late] }];
    const [outcome] = outcomes;
    // One that came to its end in the same moment has ended as it would have.
    const isInTime =
      outcome !== undefined && outcome.at <= graceEnd(stalls, outcome.writer, cancelled.at, cancelGraceMs);
    if (outcome === undefined || outcome.kind === 'cancelled' || isInTime) return [];
    return [{ workflowId, what: `it is ${outcome.kind}`, history: [cancelled, outcome] }];
  });
}

/** P1 */
export function wrongPoison({ runs, evidence }: Cases): Finding[] {
  const { expected, crashesMax } = evidence.rules;
  return runs.flatMap(({ workflowId, runEvents, outcomes, ledger }) => {
    const dead = outcomes.find(({ kind }) => kind === 'dead');
    const isPoison = expected.get(workflowId)?.end === 'dead';
    if (!isPoison) return dead === undefined ? [] : [{ workflowId, what: 'a bystander was given up', history: [dead] }];
    const [outcome] = outcomes;
    if (outcome === undefined) return [];
    if (dead === undefined) return [{ workflowId, what: `it is ${outcome.kind}`, history: [outcome] }];
    const crashes = runEvents.filter((event, index) => index > 0 && event.crashes > runEvents[index - 1]!.crashes);
    const tries = ledger.filter(({ event }) => event === 'begin');
    if (crashes.length === crashesMax + 1 && tries.length <= crashesMax + 1) return [];
    const what = `it was given up after ${crashes.length} crashes and ${tries.length} tries`;
    return [{ workflowId, what, history: [...crashes, ...tries, dead] }];
  });
}

/** E1 */
export function visibleInfrastructure({ runs, evidence }: Cases): Finding[] {
  return runs.flatMap(({ workflowId, ledger }) =>
    ledger.flatMap((line) => {
      if (line.event !== 'caught' || evidence.rules.userErrors.includes(line.what)) return [];
      return [{ workflowId, what: `a catch block was told of ${line.what}`, history: [line] }];
    }),
  );
}

/** R1 */
export function leftOpen({ evidence }: Cases): Finding[] {
  if (evidence.rest === null) return [];
  return Object.entries(evidence.rest)
    .filter(([, count]) => count !== 0)
    .map(([what, count]) => ({ workflowId: null, what: `${what}: ${count}`, history: [] }));
}
