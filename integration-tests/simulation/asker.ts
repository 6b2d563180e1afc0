import { EngineStoppedError, OverloadedError, type Perdure, RunFinishedError } from '@perdure/core';
import { classify } from '../../packages/core/src/database/database-errors.js';
import type { SimulatedProcess } from './simulated-process.js';
import type { Witness } from './witness.js';
import type { World } from './world.js';

export type Asking = (process: SimulatedProcess, engine: Perdure) => Promise<void>;

/** What somebody outside wants of the engines. */
export interface Wish {
  readonly what: string;
  readonly inMs: number;
  /** After what time without an answer it is asked for again, elsewhere. */
  readonly patienceMs?: number;
  readonly asking: Asking;
  readonly afterwards?: () => void;
}

/** Asks processes for things, on behalf of users. */
export class Asker {
  readonly #world: World;
  readonly #witness: Witness;
  readonly #processes: () => readonly SimulatedProcess[];

  constructor(world: World, witness: Witness, processes: () => readonly SimulatedProcess[]) {
    this.#world = world;
    this.#witness = witness;
    this.#processes = processes;
  }

  /** Asks for something through some process, again and again until one has answered. */
  until(wish: Wish): void {
    const { what, inMs, patienceMs = 5_000, afterwards = () => {} } = wish;
    let isDone = false;
    const askLater = (delayMs: number): void =>
      void this.#world.schedule(delayMs, null, `user ${what}`, () => void ask());
    const ask = async (): Promise<void> => {
      if (isDone) return;
      askLater(patienceMs);
      const hasAnswered = await this.#asks(wish);
      if (!hasAnswered || isDone) return;
      isDone = true;
      afterwards();
    };
    askLater(inMs);
  }

  /** Whether there was an answer that counts; never settles if the process dies before. */
  async #asks({ what, asking }: Wish): Promise<boolean> {
    const there = this.#processes().filter(({ perdure }) => perdure !== null);
    const process = there[this.#world.between(0, there.length - 1)];
    if (process?.perdure == null) return false;
    try {
      await asking(process, process.perdure);
      return !process.isDead;
    } catch (error) {
      if (process.isDead || isPassing(error)) return false;
      // Nobody would get the message any more.
      if (error instanceof RunFinishedError) return true;
      this.#witness.accuse(`a user ${what}: ${String(error)}`);
      return false;
    }
  }
}

export const isPassing = (error: unknown): boolean =>
  error instanceof EngineStoppedError ||
  error instanceof OverloadedError ||
  ['connection', 'transaction-retry'].includes(classify(error));
