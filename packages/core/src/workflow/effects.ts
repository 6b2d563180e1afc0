import type { Clock } from '../seams/clock.js';

/** The side effects of a run that are under way, and whether more may begin. */
export class Effects {
  readonly #clock: Clock;
  #inFlight = 0;
  #isAdmitting = true;
  #waiters: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isAdmitting(): boolean {
    return this.#isAdmitting;
  }

  get isBusy(): boolean {
    return this.#inFlight > 0;
  }

  stopAdmitting(): void {
    this.#isAdmitting = false;
  }

  async track<T>(effect: Promise<T>): Promise<T> {
    this.#inFlight += 1;
    const hold = this.#clock.hold();
    try {
      return await effect;
    } finally {
      this.#inFlight -= 1;
      hold.release();
      // Whoever waits looks again after the effect's result has been taken over.
      if (this.#waiters.length > 0) this.#clock.nextMacrotask(() => this.changed());
    }
  }

  /** Resolves at the next change. */
  change(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  changed(): void {
    if (this.#waiters.length === 0) return;
    for (const resolve of this.#waiters.splice(0)) resolve();
  }
}
