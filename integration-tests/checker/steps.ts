import type { Cases, RunCase } from './cases.js';
import type { LedgerLine } from './evidence.js';
import { grouped } from './grouped.js';
import { isStalled } from './stalls.js';
import type { Finding } from './violation.js';

/** S1 */
export function repeatedAfterCheckpoint({ runs, stalls, evidence }: Cases): Finding[] {
  const { noticeMs, clockToleranceMs } = evidence.rules;
  return runs.flatMap(({ workflowId, ledger, checkpoints }) =>
    begins(ledger).flatMap((begin) => {
      const checkpoint = checkpoints.find(
        ({ seq, kind, at }) => seq === begin.seq && kind === 'step' && at + clockToleranceMs < begin.at,
      );
      if (checkpoint === undefined || isStalled(stalls, begin.process, begin.at, noticeMs)) return [];
      return [{ workflowId, what: `step ${begin.seq} began again`, history: [checkpoint, begin] }];
    }),
  );
}

/** S2 */
export function wrongBookings({ runs, evidence }: Cases): Finding[] {
  const booked = grouped(evidence.booked, ({ workflowId }) => workflowId);
  return runs.flatMap(({ workflowId, ledger, outcomes }): Finding[] => {
    const rows = booked.get(workflowId) ?? [];
    const doubled = [...grouped(rows, ({ seq }) => `${seq}`).values()].find(({ length }) => length > 1);
    if (doubled !== undefined) {
      const { seq } = doubled[0]!;
      const tries = begins(ledger).filter((begin) => begin.seq === seq);
      return [{ workflowId, what: `step ${seq} has ${doubled.length} rows`, history: tries }];
    }
    const expected = evidence.rules.expected.get(workflowId);
    const isDone = outcomes.some(({ kind }) => kind === 'completed');
    if (expected === undefined || !isDone || rows.length === expected.bookings) return [];
    return [{ workflowId, what: `${rows.length} rows instead of ${expected.bookings}`, history: [outcomes[0]!] }];
  });
}

/** S3 */
export function unexplainedRepetitions({ runs, stalls, evidence }: Cases): Finding[] {
  const { noticeMs, clockToleranceMs } = evidence.rules;
  return runs.flatMap(({ workflowId, ledger, runEvents }) => {
    const claims = runEvents.filter(({ state }) => state === 'owned');
    const tries = grouped(
      begins(ledger).filter(({ isTransaction }) => isTransaction !== true),
      ({ seq, attempt }) => `${seq} ${attempt}`,
    );
    return [...tries.values()].flatMap((same) =>
      same.slice(1).flatMap((again, index) => {
        const before = same[index]!;
        const isClaimed = claims.some(
          ({ at }) => at >= before.at - clockToleranceMs && at <= again.at + clockToleranceMs,
        );
        const isZombies = [before, again].some(({ process, at }) => isStalled(stalls, process, at, noticeMs));
        if (isClaimed || isZombies) return [];
        const what = `try ${again.attempt} of step ${again.seq} began again, though nobody claimed the run meanwhile`;
        return [{ workflowId, what, history: [before, again] }];
      }),
    );
  });
}

/** S4 */
export function wrongCalls({ runs, evidence }: Cases): Finding[] {
  return runs.flatMap((run): Finding[] => {
    const { workflowId, checkpoints, outcomes, runEvents } = run;
    const blocked = runEvents.find(({ state }) => state === 'blocked');
    if (blocked !== undefined)
      return [{ workflowId, what: 'a replay came to other calls', history: [...checkpoints, blocked] }];
    const rewritten = checkpoints.find(({ change }) => change !== 'insert');
    if (rewritten !== undefined) {
      const of = checkpoints.filter(({ position }) => position === rewritten.position);
      return [{ workflowId, what: `checkpoint ${rewritten.position} was changed`, history: of }];
    }
    const positions = checkpoints.map(({ position }) => position).toSorted((a, b) => a - b);
    const gap = positions.findIndex((position, index) => position !== index);
    if (gap !== -1) return [{ workflowId, what: `there is no checkpoint ${gap}`, history: checkpoints }];
    const expected = evidence.rules.expected.get(workflowId);
    const isDone = outcomes.some(({ kind }) => kind === 'completed');
    if (expected === undefined || !isDone) return [];
    return differences(run, expected.steps).map((what) => ({ workflowId, what, history: checkpoints }));
  });
}

function differences({ checkpoints }: RunCase, expected: readonly string[]): string[] {
  const steps = checkpoints.filter(({ kind }) => kind === 'step');
  const left = steps.map(({ name }) => name);
  const missing = expected.filter((names) => {
    const index = left.findIndex((name) => names.split('|').includes(name));
    if (index !== -1) left.splice(index, 1);
    return index === -1;
  });
  return [
    ...missing.map((names) => `the model has a step ${names}, which is not recorded`),
    ...left.map((name) => `the step ${name} is recorded, and the model has none`),
  ];
}

const begins = (ledger: readonly LedgerLine[]): LedgerLine[] => ledger.filter(({ event }) => event === 'begin');
