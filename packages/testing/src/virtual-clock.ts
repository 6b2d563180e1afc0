import type { Clock, EpochMs, Hold, Timer, TimerOptions } from '@perdure/core/internal';

interface PendingTimer {
  readonly dueAt: EpochMs;
  readonly fire: () => void;
  readonly isBackground: boolean;
}

/** The moment at which every virtual clock starts: 2030-01-01 UTC. */
const startOfTime: EpochMs = Date.UTC(2030, 0, 1);

/** How many turns of the event loop nothing may happen before time is skipped. */
const quietTurns = 20;

/**
 * A clock that does not wait. As soon as nothing real is under way any more (a step's body, a statement), time jumps to the
 * next timer that a workflow waits for. Background timers (heartbeats, polls) that lie before it fire on the way, each once.
 */
export class VirtualClock implements Clock {
  #now = startOfTime;
  readonly #timers = new Set<PendingTimer>();
  #holds = 0;
  #quiet = 0;
  #isWatching = false;
  #isStopped = false;

  now(): EpochMs {
    return this.#now;
  }

  monotonicMs(): number {
    return this.#now;
  }

  sqlNow(): EpochMs {
    return this.#now;
  }

  synchronize(): void {
    // This clock rules the database's, not the other way round.
  }

  setTimer(delayMs: number, fire: () => void, options: TimerOptions = {}): Timer {
    const timer: PendingTimer = { dueAt: this.#now + delayMs, fire, isBackground: options.background ?? false };
    this.#timers.add(timer);
    this.#watch();
    return { cancel: () => void this.#timers.delete(timer) };
  }

  nextMacrotask(fire: () => void): void {
    const hold = this.hold();
    setImmediate(() => {
      hold.release();
      fire();
    });
  }

  hold(): Hold {
    this.#holds += 1;
    let isHeld = true;
    return {
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        this.#holds -= 1;
        this.#quiet = 0;
        this.#watch();
      },
    };
  }

  /** Moves time forward and fires what falls due, in order. */
  advance(ms: number): void {
    const target = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter((timer) => timer.dueAt <= target).sort((a, b) => a.dueAt - b.dueAt)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#now = Math.max(this.#now, due.isBackground ? this.#now : due.dueAt);
      due.fire();
    }
    this.#now = target;
  }

  /** Ends the skipping of time. */
  stop(): void {
    this.#isStopped = true;
    this.#timers.clear();
  }

  #watch(): void {
    if (this.#isWatching || this.#isStopped) return;
    this.#isWatching = true;
    setImmediate(() => {
      this.#isWatching = false;
      this.#look();
    });
  }

  #look(): void {
    if (this.#isStopped || this.#holds > 0) return;
    const next = [...this.#timers].filter((timer) => !timer.isBackground).sort((a, b) => a.dueAt - b.dueAt)[0];
    if (next === undefined) return;
    this.#quiet += 1;
    if (this.#quiet > quietTurns) {
      this.#quiet = 0;
      this.advance(Math.max(0, next.dueAt - this.#now));
    }
    this.#watch();
  }
}
