import { SeededRandom } from '../../packages/core/src/util/seeded-random.js';
import type { ClockErrors } from './host-clock.js';
import { type Ask, ProgramMaker } from './program.js';
import type { EngineSettings } from './simulated-process.js';
import type { Rates } from './weather.js';

/** Something that happens to the processes or to the database. */
export interface Trouble {
  readonly atMs: number;
  readonly kind: 'kill' | 'pause' | 'hand over' | 'outage' | 'deaf' | 'launch' | 'clock set';
  readonly forMs: number;
  /** It happens to the first process whose statement of this kind then does something, before it hears of that. */
  readonly uponNext: 'claims_take' | 'flush' | null; // null = it happens at the moment itself
}

/** A schedule that somebody makes. */
export interface Ticks {
  readonly everyMs: number;
  readonly count: number;
}

/** Everything about a simulation that its seed decides before it begins. */
export interface Plan {
  readonly seed: string;
  /** `liveness`: after a while nothing goes wrong any more, and everything must end. `safety`: it never stops. */
  readonly mode: 'safety' | 'liveness';
  readonly settings: EngineSettings;
  readonly processes: number;
  readonly latencyMs: number;
  readonly rates: Rates;
  readonly troubles: readonly Trouble[];
  readonly asks: readonly Ask[];
  readonly ticks: Ticks | null; // null = nothing is scheduled
  /** Until when things go wrong. */
  readonly troubledMs: number;
  readonly clockErrors: () => ClockErrors;
}

const year = 365 * 86_400_000;

export function planOf(seed: string): Plan {
  const random = new SeededRandom(`plan ${seed}`);
  const between = (least: number, most: number): number => least + Math.floor(random.float() * (most - least + 1));
  const oneOf = <T>(choices: readonly [T, ...T[]]): T => choices[between(0, choices.length - 1)] ?? choices[0];
  const mode = random.float() < 0.7 ? 'liveness' : 'safety';
  const troubledMs = between(4, 16) * 1_000;
  const leaseMs = oneOf([2_000, 4_000, 6_000]);
  const rate = (): number => oneOf([0, 0.01, 0.05]);
  const kinds = ['kill', 'kill', 'pause', 'pause', 'hand over', 'outage', 'deaf', 'launch', 'clock set'] as const;
  const maker = new ProgramMaker(random);
  const sagas = new SeededRandom(`sagas ${seed}`);
  const asSaga = (ask: Ask): Ask => {
    if (sagas.float() > 0.3) return ask;
    const cancelledAtMs = ask.cancelledAtMs ?? (sagas.float() < 0.6 ? Math.floor(sagas.float() * troubledMs) : null);
    return { ...ask, isSaga: true, cancelledAtMs };
  };
  return {
    seed,
    mode,
    settings: {
      leaseMs,
      parkAfterMs: oneOf([null, 200, 1_000]),
      flushItemsMax: oneOf([1, 3, 1_000]),
      notifications: random.float() < 0.8,
    },
    processes: oneOf([1, 2, 2, 3, 3]),
    latencyMs: oneOf([1, 4, 30]),
    rates: {
      refused: rate(),
      lost: rate(),
      conflict: rate() / 2,
      silent: rate() / 5,
      unheard: oneOf([0, 0.3, 1]),
      slow: rate(),
    },
    troubles: Array.from({ length: between(0, 5) }, () => ({
      atMs: between(0, troubledMs),
      kind: oneOf(kinds),
      forMs: between(1, 3 * leaseMs),
      uponNext: oneOf([null, 'claims_take', 'flush']),
    })),
    asks: Array.from({ length: between(2, 6) }, (_, no) => asSaga(maker.ask(no, troubledMs / 2))),
    ticks: random.float() < 0.3 ? { everyMs: 1_000 * between(1, 3), count: between(2, 5) } : null,
    troubledMs,
    clockErrors: () => ({
      wallMs: random.float() < 0.5 ? 0 : between(-10 * year, 10 * year),
      monotonicMs: between(0, year),
    }),
  };
}
