import type { LaunchOptions, Perdure } from '@perdure/core';
import { crash, type Database, embedded, launch, type LogItem } from '@perdure/core/internal';
import { heldDatabase } from './held-database.js';
import { VirtualClock } from './virtual-clock.js';

export interface TestEngineOptions extends Pick<
  LaunchOptions,
  | 'parkAfter'
  | 'workflows'
  | 'privateWorkflows'
  | 'carriers'
  | 'tracing'
  | 'errors'
  | 'logger'
  | 'schema'
  | 'migrate'
  | 'notifications'
  | 'maxCrashes'
  | 'retention'
> {
  /** Where the runs are stored; an embedded Postgres in memory by default. */
  readonly database?: Database;
}

const leaseMs = 15_000;

/** How long a shutdown waits for the bodies of steps, in virtual time, which stands still meanwhile, and in real time. */
const drainMs = { virtual: 10_000, real: 2_000 };

/**
 * An engine for tests: in memory, with time that is skipped instead of waited for, and crashes where you want them.
 *
 * @example
 * const test = await TestEngine.create({ workflows: [reminder] });
 * await reminder(customer);                 // sleeps 30 days, takes milliseconds
 *
 * const crashed = test.crashAfter(2);       // stop dead once two checkpoints are stored
 * const run = await checkout.with({ workflowId: 'order-1' }).start(order);
 * await crashed;
 * await test.restart();
 * expect(await test.perdure.run('order-1').result()).toEqual(receipt);
 *
 * await test.close();
 */
export class TestEngine {
  /** Time as the workflows see it. */
  readonly clock: VirtualClock;
  readonly #options: TestEngineOptions;
  readonly #database: Database;
  readonly #ownDatabase: Database | null; // null = the caller's
  #perdure: Perdure | null = null; // null = crashed
  #checkpoints = 0;
  #crashAt = Infinity;
  #onCrash = (): void => {};

  private constructor(options: TestEngineOptions, database: Database) {
    this.clock = new VirtualClock();
    this.#options = options;
    this.#ownDatabase = options.database === undefined ? database : null;
    this.#database = heldDatabase(database, this.clock);
  }

  /** Starts a database in memory, unless one is given, and an engine on it. */
  static async create(options: TestEngineOptions = {}): Promise<TestEngine> {
    const test = new TestEngine(options, options.database ?? embedded({ memory: true }));
    await test.#launch();
    return test;
  }

  /** The engine that is running. */
  get perdure(): Perdure {
    if (this.#perdure === null) throw new Error('The engine has crashed. Call restart() to launch another one.');
    return this.#perdure;
  }

  /** How many checkpoints this engine and those before it have stored. */
  get checkpoints(): number {
    return this.#checkpoints;
  }

  /**
   * Lets the engine stop dead as soon as so many more checkpoints are stored: the code that waits for the last one never
   * hears of it. Resolves when that has happened.
   */
  crashAfter(checkpoints: number): Promise<void> {
    this.#crashAt = this.#checkpoints + checkpoints;
    return new Promise((resolve) => {
      this.#onCrash = resolve;
    });
  }

  /** Stops the engine dead, as `kill -9` would. */
  async crash(): Promise<void> {
    const perdure = this.#perdure;
    this.#perdure = null;
    this.#crashAt = Infinity;
    await perdure?.[crash]();
  }

  /** Launches another engine, which takes over the runs of a crashed one; one that still runs is crashed first. */
  async restart(): Promise<void> {
    await this.crash();
    this.clock.advance(leaseMs + 1);
    await this.#launch();
  }

  /** Shuts down and forgets everything. The bodies of steps get two seconds to end, and are left behind if they do not. */
  async close(): Promise<void> {
    const perdure = this.#perdure;
    this.#perdure = null;
    if (perdure !== null) {
      const limit = setTimeout(() => this.clock.advance(drainMs.virtual), drainMs.real);
      await perdure.shutdown({ drainMs: drainMs.virtual }).finally(() => clearTimeout(limit));
    }
    this.clock.stop();
    await this.#ownDatabase?.close();
  }

  async #launch(): Promise<void> {
    const { database: _, ...options } = this.#options;
    this.#perdure = await launch({
      parkAfter: false,
      ...options,
      database: this.#database,
      lease: leaseMs,
      clock: this.clock,
      // Every checkpoint its own commit: a crash then cuts exactly where it was asked to.
      flushItemsMax: 1,
      afterFlush: (items) => this.#count(items),
    });
  }

  async #count(items: readonly LogItem[]): Promise<void> {
    this.#checkpoints += items.filter((item) => item.kind === 'checkpoint').length;
    if (this.#checkpoints < this.#crashAt) return;
    void this.crash().then(() => this.#onCrash());
    await new Promise<never>(() => {});
  }
}
