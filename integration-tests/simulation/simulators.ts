import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { forkChild } from '../support/children.js';
import type { Verdict } from './simulation.js';

/** A seed takes a second or less; whatever takes this long hangs. */
const hangsMs = 180_000;

/** Plays seeds in so many processes, each in the first one that is free. */
export async function simulateAll(
  seeds: readonly string[],
  processes: number,
  onVerdict: (verdict: Verdict) => void,
): Promise<void> {
  const left = seeds.values();
  const simulators = Array.from({ length: Math.min(processes, seeds.length) }, async () => {
    const simulator = await Simulator.launch();
    try {
      for (const seed of left) onVerdict(await simulator.play(seed));
    } finally {
      simulator.end();
    }
  });
  await Promise.all(simulators);
}

class Simulator {
  readonly #process: ChildProcess;
  readonly #ended: Promise<never>;

  private constructor(process: ChildProcess) {
    this.#process = process;
    this.#ended = once(process, 'exit').then(([code]) => {
      throw new Error(`A process that plays seeds has ended with ${String(code)}`);
    });
    this.#ended.catch(() => {});
  }

  static async launch(): Promise<Simulator> {
    const simulator = new Simulator(forkChild(new URL('./children/simulator.ts', import.meta.url), [], 2));
    await simulator.#hears(hangsMs, 'The launch of a process that plays seeds');
    return simulator;
  }

  async play(seed: string): Promise<Verdict> {
    this.#process.send(seed);
    return (await this.#hears(hangsMs, `Seed ${seed}`)) as Verdict;
  }

  end(): void {
    this.#process.kill();
  }

  async #hears(limitMs: number, what: string): Promise<unknown> {
    const limit = AbortSignal.timeout(limitMs);
    const message = once(this.#process, 'message', { signal: limit }).catch((error: unknown) => {
      throw limit.aborted ? new Error(`${what} hangs`) : error;
    });
    const [said] = (await Promise.race([message, this.#ended])) as [unknown];
    return said;
  }
}
