import type pg from 'pg';
import { limits, periodMs } from './audited-queue.js';

export interface Verdict {
  /** Everything that must not be, in words. */
  readonly violations: readonly string[];
  readonly items: number;
  readonly kills: number;
  /** Steps that a kill interrupted, and that ran again. */
  readonly repeated: number;
  /** The most that ran at once: in all, in one process, of one key; and the most units in any period of the rate. */
  readonly most: { readonly all: number; readonly process: number; readonly key: number; readonly rate: number };
}

interface ItemEvent {
  readonly workflow_id: string;
  readonly key: string;
  readonly place: number;
  readonly was_running: boolean;
  readonly is_running: boolean;
  readonly executor_id: string | null;
}

/** Judges what happened by the order of commits; shares no code with the engine. */
export async function judge(
  client: pg.Client,
  given: {
    readonly schema: string;
    readonly items: number;
    readonly perPeriod: number;
    readonly killed: ReadonlySet<number>;
    readonly ledger: string;
  },
): Promise<Verdict> {
  const { rows: events } = await client.query<ItemEvent>(
    `select workflow_id, key, place::float8 as place, was_running, is_running, executor_id::text
     from public.item_events order by pg_xact_commit_timestamp(xid), no`,
  );
  const { rows: admissions } = await client.query<{ at: number; units: number; lag: number }>(
    `select extract(epoch from at)::float8 * 1000 as at, units, extract(epoch from noted_at - at)::float8 * 1000 as lag
     from public.admissions order by at`,
  );
  const { rows: endings } = await client.query<{ kind: string; count: number }>(
    `select kind, count(*)::int4 as count from ${given.schema}.outcomes group by kind`,
  );
  const running = countRunning(events);
  const rate = mostInPeriod(admissions, periodMs);
  const steps = judgeSteps(given);
  const over = (what: string, most: number, limit: number): string[] =>
    most > limit ? [`${most} ${what} at once, where ${limit} may`] : [];
  return {
    violations: [
      ...over('items ran', running.all, limits.concurrency),
      ...over('items ran in one process', running.process, limits.workerConcurrency),
      ...over('items of one key ran', running.key, limits.keyConcurrency),
      ...over('units began in one period', rate, given.perPeriod),
      ...(admissions.length < given.items ? [`only ${admissions.length} admissions were counted`] : []),
      ...(admissions.some(({ lag }) => lag < 0 || lag > 1_000) ? ['an admission was counted at another time'] : []),
      ...outOfOrder(events),
      ...(endings.length === 1 && endings[0]!.kind === 'completed' && endings[0]!.count === given.items
        ? []
        : [`the items ended so: ${JSON.stringify(endings)}`]),
      ...steps.violations,
    ],
    items: given.items,
    kills: given.killed.size,
    repeated: steps.repeated,
    most: { ...running, rate },
  };
}

function countRunning(events: readonly ItemEvent[]): { all: number; process: number; key: number } {
  const [counts, most] = [new Map<string, number>(), { all: 0, process: 0, key: 0 }];
  for (const { key, was_running, is_running, executor_id } of events) {
    const change = Number(is_running) - Number(was_running);
    for (const [kind, name] of [
      ['all', ''],
      ['process', executor_id],
      ['key', key],
    ] as const) {
      const count = (counts.get(`${kind} ${name}`) ?? 0) + change;
      counts.set(`${kind} ${name}`, count);
      most[kind] = Math.max(most[kind], count);
    }
  }
  return most;
}

/** The most units in any stretch of the length of a period. */
function mostInPeriod(
  admissions: readonly { readonly at: number; readonly units: number }[],
  periodMs: number,
): number {
  let [most, sum, first] = [0, 0, 0];
  for (const { at, units } of admissions) {
    sum += units;
    while (admissions[first]!.at <= at - periodMs) sum -= admissions[first++]!.units;
    most = Math.max(most, sum);
  }
  return most;
}

/** An item that begins for the first time must not stand before one of its key that began already. */
function outOfOrder(events: readonly ItemEvent[]): string[] {
  const [begun, last, found] = [new Set<string>(), new Map<string, number>(), [] as string[]];
  for (const { workflow_id, key, place, is_running } of events) {
    if (!is_running || begun.has(workflow_id)) continue;
    begun.add(workflow_id);
    if (place < (last.get(key) ?? 0)) found.push(`${workflow_id} began after a later item of its key`);
    last.set(key, place);
  }
  return found;
}

/** A step runs again only where the process that began it was killed before its end was recorded. */
function judgeSteps({ ledger, killed, items }: { ledger: string; killed: ReadonlySet<number>; items: number }) {
  const begins = new Map<number, number[]>();
  for (const line of ledger.split('\n').filter((it) => it.startsWith('begin '))) {
    const [no, pid] = line.split(' ').slice(1).map(Number) as [number, number];
    begins.set(no, [...(begins.get(no) ?? []), pid]);
  }
  const violations = [...begins].flatMap(([no, pids]) =>
    pids.slice(0, -1).every((pid) => killed.has(pid)) ? [] : [`item ${no} began ${pids.length} times`],
  );
  if (begins.size !== items) violations.push(`${items - begins.size} items never began`);
  const repeated = [...begins.values()].reduce((sum, pids) => sum + pids.length - 1, 0);
  // A kill interrupts no more steps than may run at once in a process.
  if (repeated > killed.size * limits.workerConcurrency) violations.push(`${repeated} steps ran again`);
  return { violations, repeated };
}
