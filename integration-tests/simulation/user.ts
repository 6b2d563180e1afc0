import { isDeepStrictEqual } from 'node:util';
import { EngineStoppedError } from '@perdure/core';
import { type Asker, type Asking, isPassing } from './asker.js';
import type { Ask } from './program.js';
import type { Witness } from './witness.js';
import type { World } from './world.js';

/** How a run ended, as somebody was told. */
export type Told = { readonly value: unknown } | { readonly error: string };

/**
 * Somebody outside who asks for a run, sends it messages and waits for its result: through whichever process is there, and
 * again through another one until there is an answer.
 */
export class User {
  readonly ask: Ask;
  readonly #world: World;
  readonly #witness: Witness;
  readonly #asker: Asker;
  #told: Told | null = null;
  #isStarted = false;

  constructor(ask: Ask, world: World, witness: Witness, asker: Asker) {
    this.ask = ask;
    this.#world = world;
    this.#witness = witness;
    this.#asker = asker;
  }

  /** The start was acknowledged. */
  get isStarted(): boolean {
    return this.#isStarted;
  }

  get told(): Told | null {
    return this.#told;
  }

  begin(): void {
    const { workflowId, isSaga, program, queue, atMs, messages, cancelledAtMs, timeoutMs } = this.ask;
    const start: Asking = async (process, engine) => {
      const options = { ...(queue === null ? {} : { queue }), ...(timeoutMs === null ? {} : { timeout: timeoutMs }) };
      const workflow = isSaga ? process.saga : process.program;
      await workflow.with({ workflowId, engine, ...options }).start(program);
      if (!this.#isStarted) this.#world.trace(`${workflowId} is acknowledged`);
      this.#isStarted = true;
    };
    this.#asker.until({
      what: `asks for ${workflowId}`,
      inMs: atMs,
      asking: start,
      afterwards: () => {
        for (const [topic, values] of Object.entries(messages)) this.#send(topic, values);
        this.#watch();
      },
    });
    if (cancelledAtMs === null) return;
    this.#asker.until({
      what: `cancels ${workflowId}`,
      inMs: cancelledAtMs,
      asking: async (_, engine) => {
        if (this.#isStarted) await engine.run(workflowId).cancel();
      },
    });
  }

  /** One after the other, each only when the one before has arrived. */
  #send(topic: string, [value, ...later]: readonly number[]): void {
    if (value === undefined) return;
    const { workflowId } = this.ask;
    const idempotencyKey = `${topic} ${later.length}`;
    this.#asker.until({
      what: `sends to ${workflowId}`,
      inMs: this.#world.between(0, 2_000),
      asking: (_, engine) => engine.send(workflowId, topic, value, { idempotencyKey }),
      afterwards: () => this.#send(topic, later),
    });
  }

  #watch(): void {
    if (this.#world.random.float() < 0.4) return;
    const { workflowId } = this.ask;
    const wait: Asking = async (_, engine) => {
      const told = await tellOf(engine.run(workflowId).result());
      if (told === null) throw new EngineStoppedError(null);
      if (this.#told !== null && !isDeepStrictEqual(this.#told, told)) {
        this.#witness.accuse(`${workflowId} ended twice: ${JSON.stringify([this.#told, told])}`);
      }
      this.#told = told;
    };
    this.#asker.until({ what: `waits for ${workflowId}`, inMs: 0, patienceMs: 20_000, asking: wait });
  }
}

async function tellOf(result: Promise<unknown>): Promise<Told | null> {
  try {
    return { value: await result };
  } catch (error) {
    if (isPassing(error)) return null;
    return { error: error instanceof Error && 'code' in error ? String(error.code) : String(error) };
  }
}
