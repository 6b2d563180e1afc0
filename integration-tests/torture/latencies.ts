import type { Evidence, Fault, RunEvent } from '../checker/evidence.js';

/** Of times in milliseconds. */
export interface Distribution {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

export interface Latencies {
  /** From a SIGKILL to the claim by another process of each run that the process had. */
  readonly takeOver: Distribution;
  /** The same, where the database was not down and no claim had to wait for a suspect's turn. */
  readonly takeOverUndisturbed: Distribution;
  /** From a SIGTERM to the claim by another process of each run that the process had. */
  readonly handOver: Distribution;
  /** The same where its build left for the next one, which adopts runs that no other process has the version of. */
  readonly deploy: Distribution;
  /** From when Postgres accepts connections again to the first checkpoint. */
  readonly resume: Distribution;
}

/** How long work rested after a process or the database went away. */
export function measureLatencies(evidence: Evidence): Latencies {
  const { faults, audit } = evidence;
  const outages = faults.filter(({ kind }) => kind === 'outage' || kind === 'back');
  const isCalm = ({ from, until }: Gap): boolean => !outages.some(({ at }) => at > from - 3_000 && at < until);
  const afterKills = gapsAfter('kill', evidence);
  const checkpoints = audit.filter(({ noun }) => noun === 'checkpoint');
  const resumes = faults
    .filter(({ kind }) => kind === 'back')
    .flatMap(({ at }) => {
      const first = checkpoints.find((checkpoint) => checkpoint.at > at);
      return first === undefined ? [] : [first.at - at];
    });
  return {
    takeOver: distribution(afterKills.map(lengthOf)),
    takeOverUndisturbed: distribution(afterKills.filter((gap) => isCalm(gap) && gap.crashes < 2).map(lengthOf)),
    handOver: distribution(gapsAfter('term', evidence).map(lengthOf)),
    deploy: distribution(gapsAfter('deploy', evidence).map(lengthOf)),
    resume: distribution(resumes),
  };
}

function distribution(values: readonly number[]): Distribution {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => Math.round(sorted[Math.ceil(share * sorted.length) - 1] ?? 0);
  return { count: sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}

interface Gap {
  readonly from: number;
  readonly until: number;
  /** With how many crashes without progress the run was claimed. */
  readonly crashes: number;
}

const lengthOf = ({ from, until }: Gap): number => until - from;

/** For each run that a process had when this was done to it: from then to its next claim. */
function gapsAfter(kind: Fault['kind'], { faults, audit }: Evidence): Gap[] {
  const processOf = new Map<string, string>();
  for (const event of audit)
    if (event.noun === 'executor') processOf.set(event.executorId, processOf.get(event.executorId) ?? event.writer);
  const faultOf = new Map(faults.filter((fault) => fault.kind === kind).map((fault) => [fault.process, fault]));
  const owned = new Map<string, RunEvent>();
  const gaps: Gap[] = [];
  // The last owner of each run that it has been taken from.
  const left = new Map<string, Fault>();
  for (const event of audit) {
    if (event.noun !== 'run') continue;
    const before = owned.get(event.workflowId);
    owned.set(event.workflowId, event);
    if (before?.state === 'owned' && event.state !== 'owned') {
      const fault = faultOf.get(processOf.get(before.executorId ?? '') ?? '');
      const isLost =
        fault !== undefined && event.at > fault.at && (event.state === 'available' || event.state === 'queued');
      if (isLost) left.set(event.workflowId, fault);
      else left.delete(event.workflowId);
    }
    const fault = left.get(event.workflowId);
    if (event.state !== 'owned' || fault === undefined) continue;
    left.delete(event.workflowId);
    gaps.push({ from: fault.at, until: event.at, crashes: event.crashes });
  }
  return gaps;
}
