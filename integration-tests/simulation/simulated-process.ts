import type { Perdure } from '@perdure/core';
import { crash, launch } from '@perdure/core/internal';
import { SeededRandom } from '../../packages/core/src/util/seeded-random.js';
import { type ClockErrors, HostClock } from './host-clock.js';
import { HostDatabase, type Line } from './host-database.js';
import { defineWorkflows, type Surroundings } from './workflows.js';
import { type Host, settled } from './world.js';

/** How the engines of a simulation are launched. */
export interface EngineSettings {
  readonly leaseMs: number;
  readonly parkAfterMs: number | null; // null = never
  readonly flushItemsMax: number;
  readonly notifications: boolean;
}

export interface ProcessOptions {
  readonly name: string;
  readonly seed: string;
  readonly line: Line;
  readonly schema: string;
  readonly settings: EngineSettings;
  readonly clockErrors: ClockErrors;
  readonly surroundings: (process: SimulatedProcess) => Surroundings;
}

/** A process with an engine, as far as a simulation has one: with clocks, randomness and connections of its own. */
export class SimulatedProcess implements Host {
  readonly name: string;
  readonly database: HostDatabase;
  readonly clock: HostClock;
  readonly program: ReturnType<typeof defineWorkflows>['program'];
  readonly saga: ReturnType<typeof defineWorkflows>['saga'];
  readonly tick: ReturnType<typeof defineWorkflows>['tick'];
  readonly #options: ProcessOptions;
  readonly #random: SeededRandom;
  #perdure: Perdure | null = null; // null = not launched yet, or gone
  #pausedUntilMs = 0;
  #isDead = false;

  constructor(options: ProcessOptions) {
    const { line, name, seed } = options;
    this.name = name;
    this.#options = options;
    this.#random = new SeededRandom(`${seed} ${name}`);
    this.clock = new HostClock(line.world, this, options.clockErrors);
    this.database = new HostDatabase(line, this, this.clock);
    const { program, saga, tick } = defineWorkflows(options.surroundings(this));
    this.program = program;
    this.saga = saga;
    this.tick = tick;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  get pausedUntilMs(): number {
    return this.#pausedUntilMs;
  }

  /** The engine, once it is launched and as long as it is not shut down. */
  get perdure(): Perdure | null {
    return this.#perdure;
  }

  /**
   * Begins to launch the engine. What comes before its first statement takes turns of the real event loop, and happens all
   * within one event.
   *
   * @param onFailed it could not be launched
   */
  async launch(onFailed: () => void): Promise<void> {
    const { schema, settings } = this.#options;
    const { leaseMs: lease, parkAfterMs, flushItemsMax, notifications } = settings;
    launch({
      database: this.database,
      schema,
      migrate: false,
      workflows: [this.program, this.saga, this.tick],
      lease,
      parkAfter: parkAfterMs ?? false,
      flushItemsMax,
      notifications,
      // Runs are meant to outlive any number of deaths here.
      maxCrashes: 1_000,
      tracing: false,
      logger: silent,
      clock: this.clock,
      random: this.#random,
    }).then((perdure) => (this.#perdure = perdure), onFailed);
    while (!this.database.isInUse) await settled();
  }

  /** Nothing happens in it for a while, and then all that would have. */
  pause(forMs: number): void {
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, this.#options.line.world.nowMs + forMs);
  }

  /** Its wall clock is set to another time. */
  setClock(byMs: number): void {
    this.#options.clockErrors.wallMs += byMs;
  }

  /** Nothing happens in it any more. */
  kill(): void {
    this.#isDead = true;
    void this.#perdure?.[crash]();
    this.#perdure = null;
  }

  /** Hands its runs over. */
  async shutDown(): Promise<void> {
    const perdure = this.#perdure;
    this.#perdure = null;
    await perdure?.shutdown({ drainMs: 1_000 });
  }
}

const silent = { debug() {}, info() {}, warn() {}, error() {} };
