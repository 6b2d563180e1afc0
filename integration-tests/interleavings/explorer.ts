import { createStore, type Database, postgres } from '@perdure/core/internal';
import type { Store } from '../../packages/core/src/store/store.js';
import { Actor } from './actor.js';
import type { State } from './tables.js';
import { SteppedSession } from './stepped-session.js';

/**
 * A change of the engine's state: a statement or a transaction, or a few of them in turn; and what it answers. What was left
 * for `later`, because somebody held it just then, is done when both are over, as by the next round of the engine.
 */
export type Transition = (store: Store, database: Database, later: Later) => Promise<unknown>;

export type Later = (work: (store: Store) => Promise<void>) => void;

export type Pair = readonly [Transition, Transition];

/** What came of two transitions. */
export interface Played {
  /** What each answered. */
  readonly answers: readonly unknown[];
  /** What is in the tables. */
  readonly state: State;
  /** Who took each step. */
  readonly taken: readonly (0 | 1)[];
  /** Whether one of them waited for a lock of the other. */
  readonly hasWaited: boolean;
  readonly deadlocks: number;
}

export interface Stage {
  readonly url: string;
  readonly schema: string;
  /** For questions about the two sessions. */
  readonly monitor: Database;
  readonly readState: () => Promise<State>;
}

/** Plays two transitions in two sessions, in every order of their steps. */
export class Explorer {
  readonly #stage: Stage;
  readonly #connections: readonly [Database, Database];

  constructor(stage: Stage) {
    this.#stage = stage;
    // A deadlock is found soon, and commits need not reach a disk.
    const options = encodeURIComponent('-c deadlock_timeout=50ms -c synchronous_commit=off');
    const connect = (): Database => postgres({ url: `${stage.url}?options=${options}` });
    this.#connections = [connect(), connect()];
  }

  /**
   * @param prepare called before each order
   * @param isWhole whether each statement or transaction is over before the next one begins
   */
  async *everyOrder(pair: Pair, prepare: () => Promise<void>, isWhole: boolean): AsyncGenerator<Played> {
    const open: (readonly (0 | 1)[])[] = [[]];
    for (let first = open.pop(); first !== undefined; first = open.pop()) {
      await prepare();
      const { played, choices } = await this.#play(pair, first, isWhole);
      for (const at of choices.filter((choice) => choice >= first.length)) {
        open.push([...played.taken.slice(0, at), played.taken[at] === 0 ? 1 : 0]);
      }
      yield played;
    }
  }

  async close(): Promise<void> {
    for (const connection of this.#connections) await connection.close();
  }

  /** Begins with these steps; after them, the first one that can goes on. */
  async #play(
    pair: Pair,
    first: readonly (0 | 1)[],
    isWhole: boolean,
  ): Promise<{ readonly played: Played; readonly choices: readonly number[] }> {
    const later: Parameters<Later>[0][] = [];
    const actors = this.#actors(pair, isWhole, (work) => void later.push(work));
    const taken: (0 | 1)[] = [];
    const choices: number[] = [];
    for (const actor of actors) await actor.arrive();
    while (actors.some(({ state }) => state !== 'over')) {
      const able = ([0, 1] as const).filter((no) => actors[no].state === 'waits to be told');
      if (able.length === 2) choices.push(taken.length);
      // Nobody is able when both wait for locks: the server then ends one of them.
      const next = able.find((no) => no === first[taken.length]) ?? able[0];
      if (next !== undefined) {
        taken.push(next);
        actors[next].go();
        await actors[next].arrive();
      }
      for (const actor of actors) await actor.arrive();
    }
    const answers = [await actors[0].answer, await actors[1].answer];
    for (const work of later) await work(createStore(this.#stage.monitor, this.#stage.schema));
    const played = {
      answers,
      state: await this.#stage.readState(),
      taken,
      hasWaited: actors.some(({ hasBeenBlocked }) => hasBeenBlocked),
      deadlocks: actors[0].deadlocks + actors[1].deadlocks,
    };
    return { played, choices };
  }

  #actors(pair: Pair, isWhole: boolean, later: Later): readonly [Actor, Actor] {
    const { monitor, schema } = this.#stage;
    const actor = (no: 0 | 1): Actor => {
      const session = new SteppedSession(this.#connections[no], { isWhole });
      return new Actor(session, monitor, () =>
        pair[no](createStore(session.database, schema), session.database, later),
      );
    };
    return [actor(0), actor(1)];
  }
}
