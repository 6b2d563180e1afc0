import type { EpochMs } from '../seams/clock.js';

/**
 * What keeps an engine from working as it should. With the first group it is `unhealthy`: nothing that is started here
 * gets on. With the second it is `degraded`: everything is done, but later than it could be.
 */
export type HealthProblem =
  | 'stopped'
  | 'draining'
  | 'no-executor'
  | 'lease-uncertain'
  | 'writes-failing'
  | 'claims-failing'
  | 'recovery-failing'
  | 'notifications-missing'
  | 'backlog-full'
  | 'runs-full'
  | 'runs-stranded';

export interface HealthReason {
  readonly code: HealthProblem;
  /** What it means and what to do. */
  readonly message: string;
  /** Milliseconds since 1970; null where it is not known. */
  readonly since: EpochMs | null;
}

/** How an engine is doing, as far as it can tell by itself: nothing is asked of the database. */
export interface Health {
  readonly status: 'healthy' | 'degraded' | 'unhealthy';
  readonly reasons: readonly HealthReason[];
  readonly executorId: string | null;
  /** The runs that are executing here. */
  readonly runs: number;
  /** The size of what waits to be written. */
  readonly backlogBytes: number;
}

const problems: Record<HealthProblem, { readonly isGrave: boolean; readonly message: string }> = {
  stopped: { isGrave: true, message: 'The engine was shut down. Launch another one.' },
  draining: { isGrave: true, message: 'The engine is shutting down; its runs go on in other processes.' },
  'no-executor': {
    isGrave: true,
    message:
      'The lease was lost, and no new one could be registered yet. See whether the process was stopped for long, and whether the database answers.',
  },
  'lease-uncertain': {
    isGrave: true,
    message: 'The database has not answered a heartbeat for most of the lease; no step begins until it does.',
  },
  'writes-failing': {
    isGrave: true,
    message: 'The database does not accept writes; they are repeated. The log has its error.',
  },
  'claims-failing': { isGrave: false, message: 'Runs of other processes cannot be taken. The log has the error.' },
  'recovery-failing': { isGrave: false, message: 'Dead processes cannot be looked for. The log has the error.' },
  'notifications-missing': {
    isGrave: false,
    message:
      'Notifications do not arrive, so other processes are heard of by polling. Connect without a transaction-mode pooler, or set notifications to false.',
  },
  'backlog-full': {
    isGrave: false,
    message: 'More waits to be written than maxBacklogBytes: new starts are refused. The database does not keep up.',
  },
  'runs-full': { isGrave: false, message: 'maxRuns runs are executing here; no more are taken from other processes.' },
  'runs-stranded': { isGrave: false, message: 'Runs wait for code that no living process has.' },
};

export function reason(code: HealthProblem, since: EpochMs | null = null): HealthReason {
  return { code, since, message: problems[code].message };
}

/** What is wrong with an executor. */
export function executorReasons(executor: {
  readonly isDraining: boolean;
  readonly lease: { readonly isHeld: boolean; readonly failingSince: EpochMs | null };
  readonly writesFailingSince: EpochMs | null; // null = they don't fail
  readonly claimsFailingSince: EpochMs | null;
  readonly recoveryFailingSince: EpochMs | null;
  readonly isBacklogFull: boolean;
  readonly areRunsFull: boolean;
}): HealthReason[] {
  const { lease } = executor;
  const failing = [
    ['writes-failing', executor.writesFailingSince],
    ['claims-failing', executor.claimsFailingSince],
    ['recovery-failing', executor.recoveryFailingSince],
  ] as const;
  return [
    ...(executor.isDraining ? [reason('draining')] : []),
    ...(lease.isHeld ? [] : [reason('lease-uncertain', lease.failingSince)]),
    ...failing.flatMap(([code, since]) => (since === null ? [] : [reason(code, since)])),
    ...(executor.isBacklogFull ? [reason('backlog-full')] : []),
    ...(executor.areRunsFull ? [reason('runs-full')] : []),
  ];
}

export function statusOf(reasons: readonly HealthReason[]): Health['status'] {
  if (reasons.length === 0) return 'healthy';
  return reasons.some(({ code }) => problems[code].isGrave) ? 'unhealthy' : 'degraded';
}

const aboutWriting: ReadonlySet<HealthProblem> = new Set(['lease-uncertain', 'writes-failing', 'backlog-full']);

/** Why what the runs of an engine do cannot be written now; nothing if it can. */
export function writeProblems(reasons: readonly HealthReason[]): readonly string[] {
  return reasons.filter(({ code }) => aboutWriting.has(code)).map(({ message }) => message);
}
