import { createStore, type Database, migrate, postgres } from '@perdure/core/internal';
import { Explorer, type Pair, type Played } from './explorer.js';
import type { Scene } from './scenes.js';
import { differenceOf, Tables } from './tables.js';

/** What was tried of one pair, and what was wrong with it. */
export interface Examined {
  readonly name: string;
  readonly orders: number;
  /** Orders in which one waited for a lock of the other. */
  readonly waits: number;
  readonly deadlocks: number;
  readonly violations: readonly string[];
}

export interface PairOfScene {
  readonly name: string;
  readonly scene: Scene;
  readonly pair: Pair;
}

/** Every transition with every other one of its scene, and with itself. */
export function pairsOf(scenes: readonly Scene[]): PairOfScene[] {
  return scenes.flatMap((scene) => {
    const named = Object.entries(scene.transitions);
    return named.flatMap(([one, first], index) =>
      named.slice(index).map(([other, second]) => ({
        name: `${scene.name}: ${one} / ${other}`,
        scene,
        pair: [first, second] as const,
      })),
    );
  });
}

/** A schema in which pairs are played. */
export class Examination {
  readonly schema: string;
  readonly #database: Database;
  readonly #tables: Tables;
  readonly #explorer: Explorer;

  private constructor(database: Database, schema: string, tables: Tables, explorer: Explorer) {
    this.#database = database;
    this.schema = schema;
    this.#tables = tables;
    this.#explorer = explorer;
  }

  static async open(url: string, schema: string): Promise<Examination> {
    const database = postgres({ url: `${url}?options=${encodeURIComponent('-c synchronous_commit=off')}` });
    await migrate(database, schema);
    const tables = await Tables.of(database, schema);
    const explorer = new Explorer({ url, schema, monitor: database, readState: () => tables.read() });
    return new Examination(database, schema, tables, explorer);
  }

  /** Whatever the order of the steps, it must be as if each statement, or transaction, had come after the other. */
  async examine({ name, scene, pair }: PairOfScene): Promise<Examined> {
    const prepare = async (): Promise<void> => {
      await this.#tables.clear();
      await scene.prepare(createStore(this.#database, this.schema), this.#database);
    };
    const right: Played[] = [];
    for await (const played of this.#explorer.everyOrder(pair, prepare, true)) right.push(played);
    const found = { orders: 0, waits: 0, deadlocks: 0 };
    const violations: string[] = [];
    for await (const played of this.#explorer.everyOrder(pair, prepare, false)) {
      found.orders += 1;
      found.waits += played.hasWaited ? 1 : 0;
      found.deadlocks += played.deadlocks;
      if (!right.some((it) => isSame(it, played)))
        violations.push(`${name}, by ${played.taken.join('')}: ${tellOf(played, right)}`);
    }
    return { name, ...found, violations };
  }

  async close(): Promise<void> {
    await this.#explorer.close();
    await this.#database.script(`drop schema ${this.schema} cascade`);
    await this.#database.close();
  }
}

const isSame = (one: Played, other: Played): boolean =>
  JSON.stringify([one.answers, one.state]) === JSON.stringify([other.answers, other.state]);

/** How a result differs from those that would be right. */
function tellOf({ answers, state }: Played, right: readonly Played[]): string {
  const others = right.map((it) =>
    [`it should answer ${JSON.stringify(it.answers)}`, ...differenceOf(state, it.state)].join('\n    '),
  );
  return [`it answers ${JSON.stringify(answers)}`, ...others].join('\n  ');
}
