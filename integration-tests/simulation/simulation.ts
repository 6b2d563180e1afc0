import { Autopsy } from './autopsy.js';
import { type Line } from './host-database.js';
import { type Plan, planOf, type Trouble } from './plan.js';
import { SimulatedProcess } from './simulated-process.js';
import type { Storage } from './storage.js';
import { Asker } from './asker.js';
import { Timekeeper } from './timekeeper.js';
import { User } from './user.js';
import { Weather } from './weather.js';
import { Witness } from './witness.js';
import { type Host, World } from './world.js';

export interface Verdict {
  readonly seed: string;
  readonly mode: Plan['mode'];
  /** What must not have happened; empty = all is well. */
  readonly violations: readonly string[];
  /** Of all that happened, in its order. */
  readonly hash: string;
  readonly virtualMs: number;
  readonly events: number;
  readonly runs: number;
  /** The kinds of trouble that there were. */
  readonly troubles: readonly string[];
  readonly lines: readonly string[];
}

/** How long everything may take once nothing goes wrong any more. */
const settlingMs = 120_000;

/** How often somebody looks whether everything has ended. */
const lookMs = 500;

/** Plays one seed, from the first launch to the verdict. */
export async function simulate(seed: string, storage: Storage, { isTraced = false } = {}): Promise<Verdict> {
  const { stackTraceLimit } = Error;
  // Errors are stored, and where in this machine's folders they were made is not the seed's doing.
  Error.stackTraceLimit = 0;
  try {
    return await new Simulation(planOf(seed), storage, isTraced).play();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

class Simulation {
  readonly #plan: Plan;
  readonly #storage: Storage;
  readonly #world: World;
  readonly #weather: Weather;
  readonly #witness: Witness;
  readonly #line: Line;
  readonly #users: readonly User[];
  readonly #processes: SimulatedProcess[] = [];
  readonly #looming: Trouble[] = [];
  readonly #timekeeper: Timekeeper | null; // null = nothing is scheduled
  #launched = 0;
  #isClear = false;
  #hasEnded = false;

  constructor(plan: Plan, storage: Storage, isTraced: boolean) {
    this.#plan = plan;
    this.#storage = storage;
    this.#world = new World(plan.seed, { isTraced });
    this.#weather = new Weather(this.#world, plan.latencyMs, plan.rates);
    this.#witness = new Witness(this.#world, storage);
    this.#line = {
      world: this.#world,
      weather: this.#weather,
      database: storage.database,
      onEffect: (host, name, result) => this.#notice(host, name, result),
    };
    const asker = new Asker(this.#world, this.#witness, () => this.#processes);
    this.#users = plan.asks.map((ask) => new User(ask, this.#world, this.#witness, asker));
    this.#timekeeper = plan.ticks === null ? null : new Timekeeper(plan.ticks, asker);
  }

  async play(): Promise<Verdict> {
    const { mode, processes, troubles, troubledMs, seed } = this.#plan;
    await this.#storage.begin((channel, payload) => {
      for (const { database } of this.#processes) database.hear(channel, payload);
    });
    for (let no = 0; no < processes; no += 1) this.#launchIn(this.#world.between(0, 400));
    for (const trouble of troubles) this.#world.schedule(trouble.atMs, null, trouble.kind, () => this.#loom(trouble));
    for (const user of this.#users) user.begin();
    this.#timekeeper?.begin();
    if (mode === 'liveness') this.#world.schedule(troubledMs, null, 'clears up', () => this.#clearUp());
    this.#lookAgain();
    await this.#world.run(() => this.#hasEnded || this.#witness.violations.length > 0, troubledMs + settlingMs);
    for (const process of this.#processes) process.kill();
    const autopsy = new Autopsy(this.#storage, this.#plan, this.#users, this.#witness);
    if (await autopsy.findsTakeOver()) this.#world.troubles.add('take-over');
    if (mode === 'liveness' && !this.#hasEnded && this.#witness.violations.length === 0) await autopsy.tellWhatIsOpen();
    const runs = await autopsy.examine();
    const wrongTicks = (await this.#timekeeper?.examine(this.#storage)) ?? null;
    if (wrongTicks !== null) this.#witness.accuse(wrongTicks);
    this.#world.trace(this.#witness.violations.join('\n'));
    return {
      seed,
      mode,
      violations: this.#witness.violations,
      hash: this.#world.hash,
      virtualMs: this.#world.nowMs,
      events: this.#world.count,
      runs,
      troubles: [...this.#world.troubles],
      lines: this.#world.lines,
    };
  }

  #launchIn(delayMs: number): void {
    this.#world.schedule(delayMs, null, 'launch', async () => {
      const process: SimulatedProcess = new SimulatedProcess({
        name: `p${this.#launched++}`,
        seed: this.#plan.seed,
        line: this.#line,
        schema: this.#storage.schema,
        settings: this.#plan.settings,
        clockErrors: this.#plan.clockErrors(),
        surroundings: (it) => this.#witness.around(it),
      });
      this.#processes.push(process);
      // As whatever supervises processes does.
      await process.launch(() => this.#replace(process));
    });
  }

  #loom(trouble: Trouble): void {
    if (trouble.uponNext === null)
      this.#happen(trouble, this.#processes[this.#world.between(0, this.#processes.length - 1)]);
    else this.#looming.push(trouble);
  }

  /** A statement has taken effect. */
  #notice(host: Host, name: string, result: unknown): void {
    this.#witness.sees(name);
    if (!Array.isArray(result) || result.length === 0) return;
    const index = this.#looming.findIndex(({ uponNext }) => uponNext !== null && name.startsWith(uponNext));
    const [trouble] = index < 0 ? [] : this.#looming.splice(index, 1);
    if (trouble !== undefined)
      this.#happen(
        trouble,
        this.#processes.find((process) => process === host),
      );
  }

  #happen({ kind, forMs }: Trouble, process: SimulatedProcess | undefined): void {
    if (this.#isClear || process === undefined) return;
    this.#world.troubles.add(kind);
    this.#world.trace(`${process.name} meets ${kind}`);
    if (kind === 'outage') this.#weather.goDown(forMs);
    if (kind === 'launch' && this.#processes.length < 4) this.#launchIn(0);
    if (kind === 'deaf') process.database.missNotifications();
    if (kind === 'pause') process.pause(forMs);
    if (kind === 'clock set') process.setClock(forMs * this.#world.between(-100_000, 100_000));
    if (kind === 'kill') this.#replace(process);
    if (kind === 'hand over') {
      void process.shutDown().then(() => {
        if (!process.isDead) this.#replace(process);
      });
    }
  }

  #replace(process: SimulatedProcess): void {
    process.kill();
    this.#processes.splice(this.#processes.indexOf(process), 1);
    this.#launchIn(this.#world.between(0, 3_000));
  }

  #clearUp(): void {
    this.#isClear = true;
    this.#weather.clear();
  }

  #lookAgain(): void {
    this.#world.schedule(lookMs, null, 'looks', async () => {
      const [open] = await this.#storage.rows<{ count: number }>(
        `select count(*)::int4 as count from ${this.#storage.schema}.runs r
         where not exists (select from ${this.#storage.schema}.outcomes o where o.workflow_id = r.workflow_id)`,
      );
      this.#hasEnded =
        open?.count === 0 &&
        this.#users.every(({ isStarted }) => isStarted) &&
        (this.#timekeeper === null || (await this.#timekeeper.isOver(this.#storage)));
      this.#lookAgain();
    });
  }
}
