import type { Clock, Timer } from '../seams/clock.js';

/** Timers that end together. */
export class TimerSet {
  readonly #clock: Clock;
  readonly #timers = new Set<Timer>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `fire` after `delayMs`, at once if that is not above 0. */
  set(delayMs: number, fire: () => void): void {
    const timer = this.#clock.setTimer(Math.max(0, delayMs), () => {
      this.#timers.delete(timer);
      fire();
    });
    this.#timers.add(timer);
  }

  cancelAll(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }
}
