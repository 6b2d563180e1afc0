/** Milliseconds since 1970-01-01 UTC, as the database sees them. */
export type EpochMs = number;

export interface Timer {
  cancel(): void;
}

export interface Hold {
  release(): void;
}

export interface TimerOptions {
  /**
   * A background timer (heartbeat, sweep, poll) is nothing that a workflow waits for: a virtual clock does not skip ahead
   * to it.
   */
  readonly background?: boolean;
}

/**
 * Where the engine gets time from. Nothing else in core reads a clock or sets a timer, so that tests can replace time.
 */
export interface Clock {
  /** The database's time as this process estimates it; `synchronize` feeds the estimate. */
  now(): EpochMs;
  /** Time that never jumps, for measuring how long something took in this process. */
  monotonicMs(): number;
  /** Calls `fire` once after `delayMs`, however long that is (Node's own timers end at 24.8 days). */
  setTimer(delayMs: number, fire: () => void, options?: TimerOptions): Timer;
  /** Calls `fire` after every microtask that is now queued has run. */
  nextMacrotask(fire: () => void): void;
  /** Real work is under way, which takes the time it takes: a virtual clock must not skip ahead until the hold is released. */
  hold(): Hold;
  /** Tells the clock what the database's clock said, read between `sentAtMs` and now (both monotonic). */
  synchronize(databaseNow: EpochMs, sentAtMs: number): void;
  /**
   * What SQL is given as `$now`: null in production, so that the database's own clock rules; the virtual time in tests.
   */
  sqlNow(): EpochMs | null;
}
