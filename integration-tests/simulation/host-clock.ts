import { AsyncResource } from 'node:async_hooks';
import type { EpochMs, Timer } from '@perdure/core/internal';
import { SystemClock } from '../../packages/core/src/seams/system-clock.js';
import type { Host, World } from './world.js';

/** The moment at which every simulation begins, by the database's clock, which shows odd milliseconds only. */
export const startOfTime: EpochMs = Date.UTC(2030, 0, 1) + 1;

/** How wrong the clocks of a process are. A wall clock may be set anew. */
export interface ClockErrors {
  wallMs: number;
  readonly monotonicMs: number;
}

/**
 * The clock of a simulated process: what the engine makes of readings in production, on readings of simulated clocks.
 *
 * What SQL is given as the time stands for the database's own clock: {@link HostClock.isDatabaseNow} tells such a parameter,
 * which gets its value when the statement arrives.
 */
export class HostClock extends SystemClock {
  readonly #world: World;
  readonly #host: Host;
  readonly #given = new Set<EpochMs>();
  readonly #turns: (() => void)[] = [];

  constructor(world: World, host: Host, errors: ClockErrors) {
    super({
      wallMs: () => startOfTime + world.nowMs + errors.wallMs,
      monotonicMs: () => world.nowMs + errors.monotonicMs,
    });
    this.#world = world;
    this.#host = host;
  }

  /** Even, and so never what {@link HostClock.sqlNow} gives. */
  override now(): EpochMs {
    return 2 * Math.ceil(super.now() / 2);
  }

  override setTimer(delayMs: number, fire: () => void): Timer {
    return this.#world.schedule(Math.max(1, delayMs), this.#host, 'timer', inThisContext(fire));
  }

  /** One after the other, as Node has them, however others come in between. */
  override nextMacrotask(fire: () => void): void {
    this.#turns.push(inThisContext(fire));
    this.#world.schedule(0, this.#host, 'turn', () => this.#turns.shift()?.());
  }

  override sqlNow(): EpochMs {
    const now = startOfTime + this.#world.nowMs;
    this.#given.add(now);
    return now;
  }

  isDatabaseNow(value: unknown): boolean {
    return this.#given.has(value as EpochMs);
  }
}

/** As with Node's timers, the context is that of whoever sets it, not of whoever moves time. */
function inThisContext(fire: () => void): () => void {
  return AsyncResource.bind(() => fire());
}
