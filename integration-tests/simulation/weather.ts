import {
  TransactionConflictError,
  TransactionInDoubtError,
} from '../../packages/core/src/database/transaction-errors.js';
import type { World } from './world.js';

/** How often what goes wrong, as shares of all statements. */
export interface Rates {
  /** Never arrives: an error at once. */
  readonly refused: number;
  /** Takes effect, and its answer is lost. */
  readonly lost: number;
  /** Another transaction is in the way: it does not take effect. */
  readonly conflict: number;
  /** As with `lost`, but it takes seconds until anybody notices. */
  readonly silent: number;
  /** Of notifications. */
  readonly unheard: number;
  /** Of statements that take much longer than usual. */
  readonly slow: number;
}

export type Fate = 'answered' | 'refused' | 'lost' | 'conflict' | 'silent';

const calm: Rates = { refused: 0, lost: 0, conflict: 0, silent: 0, unheard: 0, slow: 0 };

/** How long the longest way to the database takes, or back. */
export const longestWayMs = 1_500;

/** What befalls statements and notifications on their way. */
export class Weather {
  readonly #world: World;
  readonly #latencyMs: number;
  #rates: Rates;
  #downUntilMs = 0;

  constructor(world: World, latencyMs: number, rates: Rates) {
    this.#world = world;
    this.#latencyMs = latencyMs;
    this.#rates = rates;
  }

  /** Nothing goes wrong any more. */
  clear(): void {
    this.#rates = calm;
    this.#downUntilMs = 0;
  }

  /** The database answers nobody for a while. */
  goDown(forMs: number): void {
    this.#downUntilMs = Math.max(this.#downUntilMs, this.#world.nowMs + forMs);
  }

  get isDown(): boolean {
    return this.#world.nowMs < this.#downUntilMs;
  }

  fate(): Fate {
    let draw = this.#world.random.float();
    for (const fate of ['refused', 'lost', 'conflict', 'silent'] as const) {
      draw -= this.#rates[fate];
      if (draw < 0) return fate;
    }
    return 'answered';
  }

  /** One way, to the database or back. */
  wayMs(): number {
    const { random } = this.#world;
    if (random.float() < this.#rates.slow) return random.float() * longestWayMs;
    return -Math.log(1 - random.float() * 0.999) * this.#latencyMs;
  }

  silenceMs(): number {
    return this.#world.between(1_000, 8_000);
  }

  isHeard(): boolean {
    return this.#world.random.float() >= this.#rates.unheard;
  }
}

const connectionError = (): Error => Object.assign(new Error('Connection terminated unexpectedly'), { code: '57P01' });

const conflictError = (): Error => Object.assign(new Error('deadlock detected'), { code: '40P01' });

/** What the driver rejects with. */
export function errorOf(fate: Exclude<Fate, 'answered'>, kind: 'statement' | 'shared transaction'): Error {
  if (kind === 'statement') return fate === 'conflict' ? conflictError() : connectionError();
  return fate === 'conflict'
    ? new TransactionConflictError(conflictError())
    : new TransactionInDoubtError(connectionError());
}
