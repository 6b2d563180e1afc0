import type { EpochMs } from '../seams/clock.js';
import type { RunStatus } from '../store/records.js';

/** Why a run is where it is. */
export type WaitReason =
  // It has ended.
  | 'completed'
  | 'failed'
  | 'timed-out'
  | 'cancelled'
  | 'dead'
  // It executes.
  | 'executing'
  | 'cancelling'
  | 'database-behind'
  | 'step-retry'
  | 'workflow-retry'
  // It waits for something, in memory or parked.
  | 'sleeping'
  | 'waiting-for-message'
  | 'waiting-for-run'
  | 'waiting-for-event'
  // It waits for its turn.
  | 'delayed'
  | 'queue-unknown'
  | 'queue-paused'
  | 'queue-full'
  | 'queue-rate'
  | 'key-full'
  | 'key-rate'
  | 'workers-full'
  | 'behind-others'
  // It waits for somebody to take it.
  | 'backing-off'
  | 'owner-gone'
  | 'no-executor'
  | 'code-missing'
  | 'version-not-promoted'
  | 'not-taken'
  | 'blocked';

/** What was found out about one run. */
export interface Finding {
  readonly reason: WaitReason;
  /** In words, with names and times. */
  readonly message: string;
  /** Since when it is so; null = that is not known. */
  readonly since: EpochMs | null;
  /** When it is over by itself; null = that is not known, or it never is. */
  readonly until: EpochMs | null;
  /** What to do about it. */
  readonly advice: string;
  /** The command that does it; null = there is none, or nothing to do. */
  readonly command: string | null;
  /** What the message was made of. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** The run that this one waits for, or that has its place; null = none. */
  readonly dueToId: string | null;
}

/** Why a run is where it is, and what would move it. */
export interface Explanation extends Omit<Finding, 'dueToId'> {
  readonly workflowId: string;
  readonly status: RunStatus;
  /** The same of the run that this one waits for, or that has its place; null = there is none, or it goes too deep. */
  readonly dueTo: Explanation | null;
}

export const at = (moment: EpochMs): string => new Date(moment).toISOString();

/** A command of the CLI, as a shell takes it. */
export function command(...words: readonly string[]): string {
  const quoted = words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`));
  return ['perdure', ...quoted].join(' ');
}
