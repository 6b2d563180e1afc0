import { hostname } from 'node:os';
import type {
  Database,
  Queryable,
  Row,
  SharedTransaction,
  SharedTransactionOptions,
  Statement,
  Subscription,
} from '@perdure/core/internal';
import type { HostClock } from './host-clock.js';
import { startOfTime } from './host-clock.js';
import { errorOf, type Fate, type Weather } from './weather.js';
import type { Host, World } from './world.js';

/** What all processes of a simulation talk to. */
export interface Line {
  readonly world: World;
  readonly weather: Weather;
  readonly database: Database;
  /** Hears of each statement once it has taken effect. */
  readonly onEffect: (host: Host, name: string, result: unknown) => void;
}

interface Ear {
  readonly onNotification: (payload: string) => void;
  readonly onGap: () => void;
}

/** Rolls a transaction back that is to fail although its work went well. */
class Undone extends Error {}

/**
 * The database as one simulated process has it: statements arrive after a while, in whatever order, and so do the answers,
 * if they do. Each statement is one step of the simulation, and so is each transaction as a whole: what comes between the
 * statements of two transactions is tried on a real server (`../interleavings`).
 */
export class HostDatabase implements Database {
  readonly kind = 'pglite';
  readonly pools = [];
  readonly #line: Line;
  readonly #host: Host;
  readonly #clock: HostClock;
  readonly #ears = new Map<string, Set<Ear>>();
  #isInUse = false;

  constructor(line: Line, host: Host, clock: HostClock) {
    this.#line = line;
    this.#host = host;
    this.#clock = clock;
  }

  /** Whether anything was ever asked of it. */
  get isInUse(): boolean {
    return this.#isInUse;
  }

  query<R extends Row = Row>(statement: Statement): Promise<R[]> {
    return this.#send(shortName(statement.name), 'statement', async (isUndone) => {
      if (isUndone) throw new Undone();
      return await this.#dating(this.#line.database).query<R>(statement);
    });
  }

  script(sql: string): Promise<void> {
    return this.#send('script', 'statement', () => this.#line.database.script(sql));
  }

  transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T> {
    return this.#send('transaction', 'statement', (isUndone) =>
      this.#line.database.transaction(async (tx) => {
        const result = await work(this.#dating(tx));
        if (isUndone) throw new Undone();
        return result;
      }),
    );
  }

  sharedTransaction<T>(
    work: (transaction: SharedTransaction) => Promise<T>,
    options: SharedTransactionOptions,
  ): Promise<T> {
    return this.#send('shared transaction', 'shared transaction', (isUndone) =>
      this.#line.database.sharedTransaction(async (tx) => {
        const result = await work({ ...this.#dating(tx), client: tx.client });
        if (isUndone) throw new Undone();
        return result;
      }, options),
    );
  }

  through: Database['through'] = (client) => this.#dating(this.#line.database.through(client));

  async listen(channel: string, onNotification: (payload: string) => void, onGap: () => void): Promise<Subscription> {
    const ear = { onNotification, onGap };
    await this.#send('listen', 'statement', async () => {});
    const ears = this.#ears.get(channel) ?? new Set();
    this.#ears.set(channel, ears.add(ear));
    return { isDeaf: false, unsubscribe: async () => void ears.delete(ear) };
  }

  async close(): Promise<void> {
    this.#ears.clear();
  }

  /** A notification is on its way to this process, if it listens. */
  hear(channel: string, payload: string): void {
    const { world, weather } = this.#line;
    for (const ear of this.#ears.get(channel) ?? []) {
      if (!weather.isHeard()) continue;
      world.schedule(weather.wayMs(), this.#host, `hears ${payload}`, () => ear.onNotification(payload));
    }
  }

  /** The connection that hears notifications was lost, and is there again. */
  missNotifications(): void {
    for (const ears of this.#ears.values()) for (const ear of ears) ear.onGap();
  }

  /** @param effect is told whether it must leave nothing behind */
  #send<T>(
    what: string,
    kind: 'statement' | 'shared transaction',
    effect: (isUndone: boolean) => Promise<T>,
  ): Promise<T> {
    const { world, weather } = this.#line;
    this.#isInUse = true;
    return new Promise<T>((resolve, reject) => {
      if (this.#host.isDead) return;
      const answer = (tell: () => void, afterMs = weather.wayMs()): void =>
        void world.schedule(afterMs, this.#host, `answer ${what}`, tell);
      world.schedule(weather.wayMs(), null, `${this.#host.name} ${what}`, async () => {
        const fate = this.#fate();
        world.trace(fate);
        if (fate !== 'answered') world.troubles.add(fate);
        const outcome = fate === 'refused' ? null : await this.#outcome(what, () => effect(fate === 'conflict'));
        if (fate !== 'answered') {
          answer(() => reject(errorOf(fate, kind)), fate === 'silent' ? weather.silenceMs() : undefined);
        } else if (outcome !== null) {
          answer(() => (outcome.error === undefined ? resolve(outcome.result as T) : reject(outcome.error)));
        }
      });
    });
  }

  #fate(): Fate {
    const { world, weather } = this.#line;
    // Of what a killed process had sent, some arrives all the same.
    if (weather.isDown || (this.#host.isDead && world.random.float() < 0.5)) return 'refused';
    return weather.fate();
  }

  async #outcome<T>(what: string, effect: () => Promise<T>): Promise<{ result?: T; error?: Error } | null> {
    const { world, onEffect } = this.#line;
    try {
      const result = await effect();
      onEffect(this.#host, what, result);
      return { result };
    } catch (error) {
      if (error instanceof Undone) return null;
      world.trace(`failed ${error instanceof Error ? error.message : String(error)}`);
      return { error: error as Error };
    }
  }

  #dating(queryable: Queryable): Queryable {
    const { world } = this.#line;
    return {
      query: async <R extends Row = Row>(statement: Statement) => {
        const dated = this.#dated(statement);
        const rows = await queryable.query<R>(dated);
        world.trace(`${shortName(statement.name)} ${readable(dated.values)} -> ${readable(rows)}`);
        return rows;
      },
      script: (sql) => queryable.script(sql),
    };
  }

  /** The database reads its clock when a statement arrives, and not when it was sent. */
  #dated(statement: Statement): Statement {
    const now = startOfTime + this.#line.world.nowMs;
    return {
      ...statement,
      values: statement.values.map((value) => (this.#clock.isDatabaseNow(value) ? now : value)),
    };
  }
}

/** Without what the schema is called. */
function shortName(name: string): string {
  return name.replace(/^perdure_[0-9a-f]{8}_/, '');
}

/** As it is in every process that simulates this. */
function readable(value: unknown): string {
  return JSON.stringify(value).replaceAll(`${hostname()}:${process.pid}`, 'this process');
}
