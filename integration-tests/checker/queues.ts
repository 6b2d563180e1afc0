import type { Cases } from './cases.js';
import type { AdmissionEvent, ItemEvent, QueueRule } from './evidence.js';
import { grouped } from './grouped.js';
import type { Finding } from './violation.js';

/** Q1 */
export function passedLimits(cases: Cases): Finding[] {
  return cases.evidence.rules.queues.flatMap((rule) => {
    const events = itemsOf(cases, rule);
    return [
      ...passed(events, rule.concurrency, () => 'in all'),
      ...passed(events, rule.workerConcurrency, ({ executorId }) => `in the process of ${executorId}`),
      ...passed(events, rule.keyConcurrency, ({ key }) => (key === '' ? null : `of the key ${key}`)),
    ].map(({ what, history }) => ({ workflowId: null, what: `queue ${rule.name}: ${what}`, history }));
  });
}

/** Follows who runs, and stops at the first instant at which there are too many. */
function passed(
  events: readonly ItemEvent[],
  limit: number | undefined,
  groupOf: (event: ItemEvent) => string | null,
): { what: string; history: ItemEvent[] }[] {
  if (limit === undefined) return [];
  const running = new Map<string, { readonly group: string; readonly since: ItemEvent }>();
  const counts = new Map<string, number>();
  for (const event of events) {
    const before = running.get(event.workflowId);
    const group = event.is === 'running' ? groupOf(event) : null;
    if (before !== undefined) counts.set(before.group, counts.get(before.group)! - 1);
    running.delete(event.workflowId);
    if (group === null) continue;
    running.set(event.workflowId, { group, since: before?.group === group ? before.since : event });
    const count = (counts.get(group) ?? 0) + 1;
    counts.set(group, count);
    if (count <= limit) continue;
    const history = [...running.values()].filter((one) => one.group === group).map(({ since }) => since);
    return [{ what: `${count} ran ${group}, where ${limit} may`, history }];
  }
  return [];
}

/** Q2 */
export function passedRates(cases: Cases): Finding[] {
  const { audit, rules } = cases.evidence;
  return rules.queues.flatMap(({ name, rate }) => {
    if (rate === undefined) return [];
    const admissions = audit
      .filter((event): event is AdmissionEvent => event.noun === 'admission' && event.queue === name)
      .toSorted((a, b) => a.admittedAt - b.admittedAt);
    let [sum, first] = [0, 0];
    for (const [index, { admittedAt, units }] of admissions.entries()) {
      sum += units;
      while (admissions[first]!.admittedAt <= admittedAt - rate.periodMs) sum -= admissions[first++]!.units;
      if (sum <= rate.units) continue;
      const what = `queue ${name}: ${sum} units began within ${rate.periodMs} ms, where ${rate.units} may`;
      return [{ workflowId: null, what, history: admissions.slice(first, index + 1) }];
    }
    return [];
  });
}

/** Q3 */
export function overtaken(cases: Cases): Finding[] {
  // Runs that processes have died under are tried one at a time, and meanwhile others go first.
  const crashed = cases.evidence.audit.filter((event) => event.noun === 'run' && event.crashes > 0);
  const suspects = new Set(crashed.map((event) => (event.noun === 'run' ? event.workflowId : '')));
  return cases.evidence.rules.queues.flatMap((rule) => {
    const events = itemsOf(cases, rule);
    return [...overtakenInKey(events, rule), ...overtakenInQueue(events, rule, suspects)];
  });
}

/** Where the items of a key go one after the other, one that begins for the first time has all before it behind it. */
function overtakenInKey(events: readonly ItemEvent[], rule: QueueRule): Finding[] {
  if (rule.keyConcurrency !== 1) return [];
  return [...grouped(events, ({ key }) => key)].flatMap(([key, some]) => {
    if (key === '') return [];
    const begun = new Set<string>();
    let last: ItemEvent | null = null;
    for (const event of some) {
      if (event.is !== 'running' || begun.has(event.workflowId)) continue;
      begun.add(event.workflowId);
      if (last !== null && last.order[0] === event.order[0] && compare(event.order, last.order) < 0) {
        const what = `queue ${rule.name}: it began after a later item of its key`;
        return [{ workflowId: event.workflowId, what, history: [last, event] }];
      }
      last = event;
    }
    return [];
  });
}

/** An item that has stood in line for a while is not overtaken. */
function overtakenInQueue(
  events: readonly ItemEvent[],
  { name, overtakenAfterMs }: QueueRule,
  suspects: ReadonlySet<string>,
): Finding[] {
  if (overtakenAfterMs === null) return [];
  const waiting = new Map<string, ItemEvent>();
  const byTransaction = grouped(events, ({ transaction }) => transaction);
  for (const event of events) {
    if (event.is === 'waiting' && !suspects.has(event.workflowId)) waiting.set(event.workflowId, event);
    else waiting.delete(event.workflowId);
    if (event.is !== 'running') continue;
    // What the same transaction takes begins at once.
    const together = byTransaction.get(event.transaction)!.filter((it) => it.is === 'running');
    const taken = new Set(together.map(({ workflowId }) => workflowId));
    const before = [...waiting.values()].find(
      (it) => it.at < event.at - overtakenAfterMs && compare(it.order, event.order) < 0 && !taken.has(it.workflowId),
    );
    if (before === undefined) continue;
    const what = `queue ${name}: it began before one that stood in line before it`;
    return [{ workflowId: event.workflowId, what, history: [before, event] }];
  }
  return [];
}

function compare(a: ItemEvent['order'], b: ItemEvent['order']): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}

/** Q4 */
export function doubledItems({ evidence }: Cases): Finding[] {
  const holders = new Map<string, ItemEvent>();
  const held = new Map<string, string>();
  for (const event of evidence.audit) {
    if (event.noun !== 'item') continue;
    const before = held.get(event.workflowId);
    if (before !== undefined) holders.delete(before);
    held.delete(event.workflowId);
    if (event.deduplicationId === null || event.is === null || event.is === 'dead') continue;
    const id = `${event.queue}\n${event.deduplicationId}`;
    const other = holders.get(id);
    if (other !== undefined) {
      const what = `queue ${event.queue}: two unfinished items have the id ${event.deduplicationId}`;
      return [{ workflowId: event.workflowId, what, history: [other, event] }];
    }
    holders.set(id, event);
    held.set(event.workflowId, id);
  }
  return [];
}

const itemsOf = ({ evidence }: Cases, { name }: QueueRule): ItemEvent[] =>
  evidence.audit.filter((event): event is ItemEvent => event.noun === 'item' && event.queue === name);
