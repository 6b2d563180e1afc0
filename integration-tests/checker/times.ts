import type { Cases } from './cases.js';
import type { LedgerLine, ScheduleRule } from './evidence.js';
import { grouped } from './grouped.js';
import type { Finding } from './violation.js';

/** T1 */
export function earlyTimers({ runs, evidence }: Cases): Finding[] {
  const { clockToleranceMs } = evidence.rules;
  return runs.flatMap(({ workflowId, ledger }) =>
    ledger.flatMap((line) => {
      if (line.event !== 'begin' || line.slept === undefined) return [];
      const { ms, sinceSeq } = line.slept;
      const before = ledger.find(({ event, seq }) => event === 'end' && seq === sinceSeq);
      if (before === undefined || line.at - before.at >= ms - clockToleranceMs) return [];
      const what = `a sleep of ${ms} ms was over after ${line.at - before.at}`;
      return [{ workflowId, what, history: [before, line] }];
    }),
  );
}

/** C1 */
export function wrongSlots({ evidence }: Cases): Finding[] {
  return evidence.rules.schedules.flatMap((rule) => {
    const lines = evidence.ledger.filter(({ event, name }) => event === 'slot' && name === rule.workflow);
    const bySlot = grouped(lines, ({ what }) => what);
    return [...doubledSlots(bySlot), ...missingSlots(bySlot, rule)].map(({ what, history }) => ({
      workflowId: null,
      what: `${rule.workflow}: ${what}`,
      history,
    }));
  });
}

function doubledSlots(bySlot: ReadonlyMap<string, LedgerLine[]>): { what: string; history: LedgerLine[] }[] {
  return [...bySlot].flatMap(([slot, lines]) => {
    const runs = new Set(lines.map(({ workflowId }) => workflowId));
    return runs.size === 1 ? [] : [{ what: `slot ${slot} has ${runs.size} runs`, history: lines }];
  });
}

function missingSlots(
  bySlot: ReadonlyMap<string, LedgerLine[]>,
  { everyMs, countedFrom, from, until }: ScheduleRule,
): { what: string; history: LedgerLine[] }[] {
  const missing: number[] = [];
  const first = countedFrom + Math.floor((from - countedFrom) / everyMs + 1) * everyMs;
  for (let slot = first; slot < until; slot += everyMs) if (!bySlot.has(String(slot))) missing.push(slot);
  const [example] = missing;
  if (example === undefined) return [];
  const nearest = [...bySlot.values()]
    .map(([line]) => line!)
    .toSorted((a, b) => Math.abs(Number(a.what) - example) - Math.abs(Number(b.what) - example));
  return [{ what: `${missing.length} slot(s) have no run, as ${example}`, history: nearest.slice(0, 2) }];
}
