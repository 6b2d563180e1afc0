import type { Evidence } from '../checker/evidence.js';
import type { Violation } from '../checker/violation.js';
import { type Distribution, type Latencies, measureLatencies } from './latencies.js';

interface Told {
  readonly violations: readonly Violation[];
  readonly seconds: number;
  /** Processes, in all. */
  readonly launched: number;
  readonly deploys: number;
  /** What clients were told and asked again after. */
  readonly troubles: readonly string[];
  readonly convergedAfterMs: number;
}

/** What was done, what came of it, and what was wrong. */
export interface TortureReport {
  readonly seed: string;
  readonly seconds: number;
  /** SIGKILLs, without those that runs send to their own process. */
  readonly kills: number;
  /** Processes that were stopped until they had been taken for dead, and then went on. */
  readonly zombies: number;
  /** Builds that were deployed. */
  readonly deploys: number;
  /** Immediate restarts of Postgres. */
  readonly restarts: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly processes: number;
  readonly sessions: number;
  /** Runs, with children and those of schedules. */
  readonly workflows: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly steps: number;
  /** Tries of steps that began again because of a fault. */
  readonly repeatedSteps: number;
  readonly messages: number;
  readonly bookings: number;
  readonly auditedChanges: number;
  readonly claims: number;
  readonly takenOver: number;
  /** What clients were told of the database. */
  readonly clientTroubles: number;
  readonly convergedAfterMs: number;
  readonly latenciesMs: Latencies;
  readonly violations: readonly Violation[];
  readonly keptIn?: string;
}

export function summarize(evidence: Evidence, told: Told): TortureReport {
  const { seed, audit, ledger, faults, clients, booked } = evidence;
  const faultCounts = counts(faults.map(({ kind }) => kind));
  const outcomes = counts(audit.flatMap((event) => (event.noun === 'outcome' ? [event.kind] : [])));
  const claims = audit.filter((event) => event.noun === 'run' && event.state === 'owned');
  const begins = ledger.filter(({ event }) => event === 'begin');
  const tries = new Set(begins.map(({ workflowId, seq, attempt }) => `${workflowId} ${seq} ${attempt}`));
  return {
    seed,
    seconds: told.seconds,
    kills: faultCounts['kill'] ?? 0,
    zombies: countZombies(evidence),
    restarts: faultCounts['back'] ?? 0,
    deploys: told.deploys,
    faults: faultCounts,
    processes: told.launched,
    sessions: clients.filter(({ kind, phase }) => kind === 'start' && phase === 'invoke').length,
    workflows: audit.filter((event) => event.noun === 'run' && event.change === 'insert').length,
    outcomes,
    steps: begins.length,
    repeatedSteps: begins.length - tries.size,
    messages: clients.filter(({ kind, phase }) => kind === 'send' && phase === 'ok').length,
    bookings: booked.length,
    auditedChanges: audit.length,
    claims: claims.length,
    takenOver: claims.filter((event) => event.noun === 'run' && event.attempt > 1).length,
    clientTroubles: told.troubles.length,
    convergedAfterMs: told.convergedAfterMs,
    latenciesMs: measureLatencies(evidence),
    violations: told.violations,
  };
}

function counts(names: readonly string[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const name of names) found[name] = (found[name] ?? 0) + 1;
  return found;
}

/** Stops of processes one of whose executors others had revoked before the process could go on. */
function countZombies({ faults, audit }: Evidence): number {
  const executors = audit.filter((event) => event.noun === 'executor');
  const processOf = new Map(
    executors.filter(({ change }) => change === 'insert').map(({ executorId, writer }) => [executorId, writer]),
  );
  const revoked = executors.filter(({ isRevoked }) => isRevoked);
  return faults.filter(({ kind, process, at }) => {
    if (kind !== 'continue') return false;
    const stop = faults.findLast((fault) => fault.kind === 'stop' && fault.process === process && fault.at <= at);
    return revoked.some(
      ({ executorId, at: revokedAt }) =>
        processOf.get(executorId) === process && stop !== undefined && revokedAt > stop.at && revokedAt <= at,
    );
  }).length;
}

/** For people. */
export function markdown(report: TortureReport): string {
  const { latenciesMs: latencies, violations } = report;
  const row = (name: string, { count, p50, p95, p99, max }: Distribution): string =>
    `| ${name} | ${count} | ${p50} | ${p95} | ${p99} | ${max} |`;
  return [
    `# Torture, seed \`${report.seed}\``,
    '',
    `${report.workflows} runs in ${report.seconds} s, in ${report.processes} processes one after the other. ${violations.length} violations.`,
    '',
    meaning(report),
    '',
    '| what was done | times |',
    '| --- | --- |',
    ...Object.entries(report.faults).map(([kind, count]) => `| ${kind} | ${count} |`),
    `| of the stops: taken for dead, then went on | ${report.zombies} |`,
    '',
    '| what came of it | |',
    '| --- | --- |',
    ...Object.entries(report.outcomes).map(([kind, count]) => `| runs ${kind} | ${count} |`),
    `| steps begun | ${report.steps} |`,
    `| of these, again because of a fault | ${report.repeatedSteps} |`,
    `| claims of runs that another process had | ${report.takenOver} |`,
    `| messages of clients | ${report.messages} |`,
    `| transactional steps | ${report.bookings} |`,
    `| errors of the database that clients saw | ${report.clientTroubles} |`,
    `| changes that the checker judged | ${report.auditedChanges} |`,
    `| all at rest after faults stopped | ${report.convergedAfterMs} ms |`,
    '',
    '| in ms | count | median | 95 % | 99 % | most |',
    '| --- | --- | --- | --- | --- | --- |',
    row('SIGKILL to the claim by another process', latencies.takeOver),
    row('the same, Postgres up and no suspects', latencies.takeOverUndisturbed),
    row('SIGTERM to the claim by another process', latencies.handOver),
    row('the same, when the next build is deployed', latencies.deploy),
    row('Postgres back to the first checkpoint', latencies.resume),
    '',
    ...violations.flatMap(({ invariant, workflowId, what, history }) => [
      `## ${invariant}: ${workflowId ?? 'all'}: ${what}`,
      '',
      ...history.map((line) => `    ${line}`),
      '',
    ]),
  ].join('\n');
}

/** What a count of zero says, and no more: the rule of three. */
function meaning({ violations, kills, workflows }: TortureReport): string {
  if (violations.length > 0) return 'There were violations, which are below.';
  const bound = (count: number): string => (count < 3 ? 'any' : `${((100 * 3) / count).toFixed(3)} %`);
  return `None in ${kills} kills and ${workflows} runs means, with 95 % confidence and for faults and programs of these kinds: fewer than ${bound(kills)} of kills and fewer than ${bound(workflows)} of runs bring a violation that the checker sees about. It does not mean never.`;
}
