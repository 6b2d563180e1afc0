import { SeededRandom } from '../../packages/core/src/util/seeded-random.js';
import type { CrashScenario } from './children/crash-scenario.js';
import { allScenarios, type Form, type Harness, type Outcome } from './harness.js';
import { type CrashPoint, familyOf } from './points.js';
import { flushForms, storeStatements } from './statement-names.js';

/** One try: where the tested process dies, and where the one after it does, if it does. */
export interface Attempt {
  readonly scenario: CrashScenario;
  readonly death: CrashPoint;
}

/** Scenarios on one kind of database, and what came of them. */
export class Campaign {
  readonly harness: Harness;
  readonly violations: string[] = [];
  /** The names of the statements at which a process died. */
  readonly died = new Set<string>();
  /** The names of all that were sent. */
  readonly seen = new Set<string>();
  readonly counts = { undisturbed: 0, single: 0, double: 0, unreached: 0 };
  readonly #random: SeededRandom;

  constructor(harness: Harness, seed: string) {
    this.harness = harness;
    this.#random = new SeededRandom(seed);
  }

  /** Plays each scenario undisturbed; answers with all moments at which its tested process could have died. */
  async enumerate(scenarios: readonly CrashScenario[] = allScenarios): Promise<Attempt[]> {
    const attempts: Attempt[] = [];
    for (const scenario of scenarios) {
      const outcome = await this.#play(scenario, []);
      this.counts.undisturbed += 1;
      for (const death of outcome.points[0] ?? []) attempts.push({ scenario, death });
    }
    return attempts;
  }

  /** Plays a scenario in which nobody dies but those who do so before the tested process. */
  async tryUndisturbed(scenario: CrashScenario, form: Form): Promise<void> {
    await this.#play(scenario, [], form);
    this.counts.undisturbed += 1;
  }

  /**
   * Plays a scenario in which a process dies. How often a statement is sent may vary: if the process does not get to the
   * asked one, an earlier one of the same name is taken.
   *
   * @returns where the next process could have died; nothing, if the tested one did not
   */
  async tryOne({ scenario, death }: Attempt, form: Form = 'worker'): Promise<readonly CrashPoint[]> {
    for (let { nth } = death; nth > 0; nth -= 1) {
      const outcome = await this.#play(scenario, [{ ...death, nth }], form);
      if (outcome.violations.length > 0) return [];
      if (outcome.deaths.length === 0) continue;
      this.counts.single += 1;
      // The tested process is dead, so the first to tell is the next one.
      return outcome.points[0] ?? [];
    }
    this.counts.unreached += 1;
    return [];
  }

  /** The same, and the process that takes over dies too, at some of the moments that it has. */
  async tryTwice(attempt: Attempt, second: readonly CrashPoint[], count: number): Promise<void> {
    for (const death of this.choose(second, count)) {
      const outcome = await this.#play(attempt.scenario, [attempt.death, death]);
      if (outcome.deaths.length === 2) this.counts.double += 1;
      else if (outcome.violations.length === 0) this.counts.unreached += 1;
    }
  }

  /** Some of many, the same for the same seed. */
  choose<T>(from: readonly T[], count: number): T[] {
    const left = [...from];
    const chosen: T[] = [];
    while (left.length > 0 && chosen.length < count) {
      chosen.push(...left.splice(Math.floor(this.#random.float() * left.length), 1));
    }
    return chosen;
  }

  /** So few attempts that each statement has its turn, and each kind of statement in each phase. */
  chooseSpread(attempts: readonly Attempt[]): Attempt[] {
    const met = new Set<string>();
    return this.choose(attempts, Infinity).filter(({ death }) => {
      const news = [death.name, familyOf(death)].filter((what) => !met.has(what));
      for (const what of news) met.add(what);
      return news.length > 0;
    });
  }

  /** Some of each scenario, besides those that are chosen already. */
  chooseEvenly(attempts: readonly Attempt[], perScenario: number, chosen: readonly Attempt[] = []): Attempt[] {
    return [...new Set(attempts.map(({ scenario }) => scenario))].flatMap((scenario) => {
      const of = (some: readonly Attempt[]): Attempt[] => some.filter((attempt) => attempt.scenario === scenario);
      const others = of(attempts).filter((attempt) => !chosen.includes(attempt));
      return [...of(chosen), ...this.choose(others, Math.max(0, perScenario - of(chosen).length))];
    });
  }

  async #play(scenario: CrashScenario, deaths: readonly CrashPoint[], form: Form = 'worker'): Promise<Outcome> {
    const outcome = await this.harness.play(scenario, deaths, form);
    this.violations.push(...outcome.violations);
    for (const { name } of outcome.deaths) this.died.add(name);
    for (const { name } of outcome.points.flat()) this.seen.add(name);
    return outcome;
  }
}

/** The statements of the store at which no process has died. */
export function statementsWithoutDeath(died: ReadonlySet<string>): string[] {
  return [...storeStatements(), ...flushForms()]
    .filter((pattern) => ![...died].some((name) => pattern.test(name)))
    .map((pattern) => pattern.source);
}

/** What was sent that is not on the list of the store's statements, which then misses something. */
export function unlistedStatements(seen: ReadonlySet<string>): string[] {
  const listed = [...storeStatements(), ...notTheStores];
  return [...seen].filter((name) => !listed.some((pattern) => pattern.test(name)));
}

/** The beginnings and ends of transactions, LISTEN, the migrations themselves, and what users send. */
const notTheStores = [/^(begin|commit) /, /^listen$/, /^script$/, /^statement of a body$/];
