import { isDeepStrictEqual } from 'node:util';
import type { Cases, RunCase } from './cases.js';
import type { RunEvent } from './evidence.js';
import type { Finding } from './violation.js';

/** W1 */
export function unfinishedRuns({ runs }: Cases): Finding[] {
  return runs.flatMap(({ workflowId, clients, runEvents, outcomes }) => {
    const started = clients.filter(({ kind, phase }) => kind === 'start' && phase === 'ok');
    const isThere = runEvents.some(({ change }) => change === 'insert');
    if ((started.length === 0 && !isThere) || outcomes.length > 0) return [];
    const last = runEvents.at(-1);
    const what = last === undefined ? 'the run is not in the database' : `the run ended up ${last.state}`;
    return [{ workflowId, what, history: [...started, ...runEvents.slice(-3)] }];
  });
}

/** W2 */
export function differingResults({ runs, evidence }: Cases): Finding[] {
  return runs.flatMap(({ workflowId, clients }) => {
    const seen = clients.filter(({ kind, phase }) => kind === 'result' && phase === 'ok');
    const [first] = seen;
    if (first === undefined) return [];
    const other = seen.find(({ result }) => !isDeepStrictEqual(result, first.result));
    if (other !== undefined) return [{ workflowId, what: 'two observers saw two results', history: [first, other] }];
    const expected = evidence.rules.expected.get(workflowId);
    if (expected?.end !== 'completed' || isDeepStrictEqual(first.result, expected.result)) return [];
    const what = `the model says ${JSON.stringify(expected.result)}`;
    return [{ workflowId, what, history: [first] }];
  });
}

/** W3 */
export function changedOutcomes({ runs }: Cases): Finding[] {
  return runs.flatMap(({ workflowId, audit }) => {
    const first = audit.find(({ noun }) => noun === 'outcome');
    if (first === undefined) return [];
    const later = audit
      .slice(audit.indexOf(first) + 1)
      .find((event) =>
        event.noun === 'outcome'
          ? true
          : event.transaction !== first.transaction &&
            (event.noun === 'checkpoint' ||
              (event.noun === 'run' && event.state !== 'settled' && !isSameState(audit, event))),
      );
    if (later === undefined) return [];
    const what = later.noun === 'outcome' ? 'its outcome was written again' : `a ${later.noun} was written later`;
    return [{ workflowId, what, history: [first, later] }];
  });
}

/** Whether a run's row was only touched: it is what it was, and whose it was. */
function isSameState(audit: RunCase['audit'], event: RunEvent): boolean {
  const before = audit.slice(0, audit.indexOf(event)).findLast(({ noun }) => noun === 'run');
  return (
    before?.noun === 'run' &&
    before.state === event.state &&
    before.executorId === event.executorId &&
    before.claimNo === event.claimNo
  );
}
