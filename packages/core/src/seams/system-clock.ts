import type { Clock, EpochMs, Hold, Timer } from './clock.js';

/** Node's timers fire at once when asked for more than 24.8 days, so long waits are made of shorter ones. */
const timerMsMax = 3_600_000;

/** How many of the last readings of the database's clock the best is chosen from. */
const samplesMax = 8;

interface Sample {
  /** What to add to this process's monotonic time. */
  readonly offsetMs: number;
  readonly roundTripMs: number;
}

/** The clocks of a process, which know nothing of the database's. */
export interface ClockReadings {
  /** Milliseconds since 1970; it may be wrong, and jump. */
  readonly wallMs: () => EpochMs;
  /** It may have begun at any time, and never jumps. */
  readonly monotonicMs: () => number;
}

const ofThisProcess: ClockReadings = { wallMs: () => Date.now(), monotonicMs: () => performance.now() };

/**
 * Real time. `now()` is the database's time as far as it is known, counted on this process's monotonic clock: a wall clock
 * that is wrong or jumps has no effect. Before the first reading it is the wall clock.
 */
export class SystemClock implements Clock {
  readonly #readings: ClockReadings;
  readonly #samples: Sample[] = [];
  #best: Sample | null = null; // null = the database's clock was not read yet
  #latest = 0;

  constructor(readings: ClockReadings = ofThisProcess) {
    this.#readings = readings;
  }

  now(): EpochMs {
    const estimate = Math.round(
      this.#best === null ? this.#readings.wallMs() : this.monotonicMs() + this.#best.offsetMs,
    );
    // A better reading may lie a little in the past; time stands still then, rather than going backwards. A database that
    // was really set back is followed.
    if (estimate > this.#latest || this.#latest - estimate > 1_000) this.#latest = estimate;
    return this.#latest;
  }

  monotonicMs(): number {
    return this.#readings.monotonicMs();
  }

  /** Every timer keeps the process alive, background ones too: an engine runs until it is shut down. */
  setTimer(delayMs: number, fire: () => void): Timer {
    const dueMs = this.monotonicMs() + delayMs;
    let handle: NodeJS.Timeout;
    const arm = (): void => {
      const leftMs = dueMs - this.monotonicMs();
      handle = leftMs > timerMsMax ? setTimeout(arm, timerMsMax) : setTimeout(fire, Math.max(0, leftMs));
    };
    arm();
    return { cancel: () => clearTimeout(handle) };
  }

  nextMacrotask(fire: () => void): void {
    setImmediate(fire);
  }

  hold(): Hold {
    return noHold;
  }

  /**
   * The database read its clock somewhere between sending and receiving. If this process's wall clock says nothing else, it is
   * right: on one machine, and wherever clocks are kept, all processes then agree, however long their round trips take.
   * Otherwise halfway is off by half the round trip at most.
   */
  synchronize(databaseNow: EpochMs, sentAtMs: number): void {
    const receivedAtMs = this.monotonicMs();
    const ofWallClock = this.#readings.wallMs() - receivedAtMs;
    const [least, most] = [databaseNow - receivedAtMs, databaseNow - sentAtMs];
    this.#samples.push({
      offsetMs: ofWallClock >= least && ofWallClock <= most ? ofWallClock : (least + most) / 2,
      roundTripMs: receivedAtMs - sentAtMs,
    });
    if (this.#samples.length > samplesMax) this.#samples.shift();
    this.#best = this.#samples.reduce((best, sample) => (sample.roundTripMs < best.roundTripMs ? sample : best));
  }

  sqlNow(): EpochMs | null {
    return null;
  }
}

const noHold: Hold = {
  release() {
    // Real time takes the time it takes.
  },
};
