import type { Fault } from './evidence.js';

/** When processes were stopped, and when the database was down. */
export interface Stalls {
  readonly stopped: ReadonlyMap<string, readonly Stretch[]>;
  readonly outages: readonly Stretch[];
}

export interface Stretch {
  readonly from: number;
  readonly until: number;
}

export function findStalls(faults: readonly Fault[]): Stalls {
  const processes = new Set(faults.filter(({ kind }) => kind === 'stop').map((fault) => fault.process));
  return {
    stopped: new Map(
      [...processes].map((process) => {
        const own = faults.filter((fault) => fault.process === process);
        return [process, stretches(own, 'stop', 'continue')];
      }),
    ),
    outages: stretches(faults, 'outage', 'back'),
  };
}

function stretches(faults: readonly Fault[], begin: Fault['kind'], end: Fault['kind']): Stretch[] {
  return faults
    .filter(({ kind }) => kind === begin)
    .map(({ at }) => ({
      from: at,
      until: faults.find((fault) => fault.kind === end && fault.at >= at)?.at ?? Infinity,
    }));
}

/** Whether a process was stopped, or went on so short a while ago that it may not have noticed. */
export function isStalled({ stopped }: Stalls, process: string, at: number, noticeMs: number): boolean {
  return (stopped.get(process) ?? []).some(({ from, until }) => from <= at && at <= until + noticeMs);
}

/** The moment by which something has had so much time, not counting when the database was down or the process was stopped. */
export function graceEnd(stalls: Stalls, process: string, since: number, graceMs: number): number {
  const pauses = [...stalls.outages, ...(stalls.stopped.get(process) ?? [])].toSorted((a, b) => a.from - b.from);
  let end = since + graceMs;
  for (const { from, until } of pauses) if (from <= end && until >= since) end = until + graceMs;
  return end;
}
