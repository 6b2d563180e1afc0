import type { ConnectionPool } from '../database/database.js';
import type { OutcomeKind } from '../store/records.js';

/** Why a run was freed: the process that had it died, or handed it over. */
export type RecoveryReason = 'crash' | 'handover';

/** Why something ended badly; asked only where somebody counts. */
export type Failure = () => unknown;

/**
 * What an engine tells about its work in numbers. Names go along, and ids never do: each set of attributes is a time series
 * of its own. Nothing of it throws or waits.
 */
export interface Metrics {
  /** False where nobody counts, and all of the following do nothing. */
  readonly isOn: boolean;
  readonly started: (workflow: string) => void;
  readonly ended: (workflow: string, outcome: OutcomeKind, durationMs: number, failure: Failure | null) => void;
  readonly waitedInQueue: (workflow: string, queue: string, waitedMs: number) => void;
  readonly stepTried: (workflow: string, step: string, durationMs: number, failure: Failure | null) => void;
  readonly stepRetried: (workflow: string, step: string) => void;
  readonly committed: (durationMs: number) => void;
  readonly freed: (workflow: string, reason: RecoveryReason, runs: number) => void;
  readonly foundDead: (sinceHeartbeatMs: number) => void;
  readonly gaveUp: (workflow: string, runs: number) => void;
  readonly replayed: (workflow: string, durationMs: number) => void;
  readonly woke: (lagMs: number) => void;
  readonly heartbeat: (delayMs: number) => void;
  readonly fenced: (writes: number) => void;
  readonly databaseFailed: (error: unknown) => void;
  /** From now on, whoever collects is answered from this source, until what is returned is called. */
  readonly observe: (source: ObservedEngine) => () => void;
}

/** What is read when somebody collects. */
export interface ObservedEngine {
  /** How many runs are in memory, by workflow. */
  readonly active: () => ReadonlyMap<string, number>;
  readonly pools: readonly ConnectionPool[];
  /** What the database is asked; null if another process tells it. */
  readonly vitals: () => Promise<Vitals | null>;
}

/** How the whole application is doing, whichever process asks. */
export interface Vitals {
  readonly queues: readonly QueueVitals[];
  /** How many runs are blocked, by workflow. */
  readonly blocked: ReadonlyMap<string, number>;
  /** 0: nothing is under way that the role may see. */
  readonly oldestSnapshotAgeMs: number;
}

export interface QueueVitals {
  readonly queue: string;
  readonly state: 'waiting' | 'delayed';
  readonly depth: number;
  /** How long the oldest has waited; null for what is delayed. */
  readonly ageMs: number | null;
}

const nothing = (): void => {};

/** Where nobody counts. */
export const noMetrics: Metrics = {
  isOn: false,
  started: nothing,
  ended: nothing,
  waitedInQueue: nothing,
  stepTried: nothing,
  stepRetried: nothing,
  committed: nothing,
  freed: nothing,
  foundDead: nothing,
  gaveUp: nothing,
  replayed: nothing,
  woke: nothing,
  heartbeat: nothing,
  fenced: nothing,
  databaseFailed: nothing,
  observe: () => nothing,
};
