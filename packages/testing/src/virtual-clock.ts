import { AsyncResource } from 'node:async_hooks';
import type { Clock, EpochMs, Hold, Timer, TimerOptions } from '@perdure/core/internal';

interface PendingTimer {
  readonly dueAt: EpochMs;
  readonly fire: () => void;
  readonly isBackground: boolean;
}

/** The moment at which every virtual clock starts. */
const startOfTime: EpochMs = Date.UTC(2030, 0, 1);

/** How many turns of the event loop nothing may happen before time is skipped. */
const quietTurns = 10;

/** How often, in real time, background timers get a turn while no workflow waits for time. */
const backgroundMs = 5;

/**
 * A clock that does not wait. As soon as nothing real is under way (the body of a step, a statement of the engine), time
 * jumps to the next timer that a workflow waits for. Background timers (heartbeats, polls) before that fire on the way, once
 * each.
 */
export class VirtualClock implements Clock {
  readonly #timers = new Set<PendingTimer>();
  #now = startOfTime;
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

  /** The database is given this clock's time; it has no say in it. */
  sqlNow(): EpochMs {
    return this.#now;
  }

  synchronize(): void {
    // See sqlNow.
  }

  setTimer(delayMs: number, fire: () => void, options: TimerOptions = {}): Timer {
    const timer = {
      dueAt: this.#now + Math.ceil(delayMs),
      // As with Node's timers, the context is that of whoever sets it, not of whoever moves time.
      fire: AsyncResource.bind(() => fire()),
      isBackground: options.background ?? false,
    };
    this.#timers.add(timer);
    this.#watch();
    return { cancel: () => void this.#timers.delete(timer) };
  }

  nextMacrotask(fire: () => void): void {
    const hold = this.hold();
    setImmediate(() => {
      fire();
      hold.release();
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

  /** Moves time forward, and fires what falls due on the way, in order. */
  advance(ms: number): void {
    const target = this.#now + ms;
    for (let timer = this.#nextTimer(); timer !== null && timer.dueAt <= target; timer = this.#nextTimer()) {
      this.#timers.delete(timer);
      this.#now = Math.max(this.#now, timer.dueAt);
      timer.fire();
    }
    this.#now = target;
  }

  /** Time stands still from now on, and no timer fires any more. */
  stop(): void {
    this.#isStopped = true;
    this.#timers.clear();
  }

  #nextTimer(isWanted: (timer: PendingTimer) => boolean = () => true): PendingTimer | null {
    let next: PendingTimer | null = null;
    for (const timer of this.#timers) {
      if (isWanted(timer) && (next === null || timer.dueAt < next.dueAt)) next = timer;
    }
    return next;
  }

  #watch(): void {
    if (this.#isWatching || this.#isStopped) return;
    this.#isWatching = true;
    setImmediate(() => this.#look());
  }

  #look(): void {
    this.#isWatching = false;
    if (this.#isStopped || this.#holds > 0 || this.#timers.size === 0) return;
    this.#quiet += 1;
    if (this.#quiet <= quietTurns) {
      this.#watch();
      return;
    }
    this.#quiet = 0;
    const awaited = this.#nextTimer((timer) => !timer.isBackground);
    if (awaited !== null) {
      this.advance(Math.max(0, awaited.dueAt - this.#now));
      this.#watch();
      return;
    }
    this.#isWatching = true;
    setTimeout(() => {
      this.#isWatching = false;
      const background = this.#nextTimer();
      if (background !== null && this.#holds === 0) this.advance(Math.max(0, background.dueAt - this.#now));
      this.#watch();
    }, backgroundMs).unref();
  }
}
