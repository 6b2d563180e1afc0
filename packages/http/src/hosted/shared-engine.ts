import { EngineStoppedError, type Perdure } from '@perdure/core';

export type Launch = () => Promise<Perdure>;

/** An engine that is launched when somebody needs it first, and that all bundles of a process share. */
export class SharedEngine {
  #launched: Promise<Perdure> | null = null; // null = not running
  #leaving: Promise<void> = Promise.resolve();
  #slices = 0;
  #isListening = false;
  #isEnding = false;

  /**
   * @throws what `launch` throws; the next one who needs the engine tries again
   * @throws {EngineStoppedError} if the process was told to end
   */
  get(launch: Launch): Promise<Perdure> {
    // A new engine would take runs back that nobody hands over again.
    if (this.#isEnding) return Promise.reject(new EngineStoppedError(null));
    this.#launched ??= this.#launch(launch);
    return this.#launched;
  }

  /** The engine, which stays until the slice is over; see {@link endSlice}. */
  async beginSlice(launch: Launch): Promise<Perdure> {
    this.#slices += 1;
    try {
      return await this.get(launch);
    } catch (error) {
      this.#slices -= 1;
      throw error;
    }
  }

  /** Ends a slice. With the last one the engine hands its runs over: nobody knows whether this process is ever resumed. */
  async endSlice(drainMs: number): Promise<void> {
    this.#slices -= 1;
    if (this.#slices === 0) await this.shutdown({ drainMs });
  }

  async shutdown(options: { readonly drainMs?: number } = {}): Promise<void> {
    const launched = this.#launched;
    if (launched === null) return;
    this.#launched = null;
    // A new engine waits for the old one: the embedded database lets in one at a time.
    const left = leave(launched, options);
    this.#leaving = left;
    await left;
  }

  /**
   * Hands all runs over when the process is told to end, and launches no engine from then on; whoever hosts it answers the
   * requests under way, and ends it.
   */
  shutDownOnSignals(options: { readonly drainMs?: number }): void {
    if (this.#isListening) return;
    this.#isListening = true;
    const leave = (): void => {
      this.#isEnding = true;
      void this.shutdown(options).catch(() => {});
    };
    process.once('SIGTERM', leave);
    process.once('SIGINT', leave);
  }

  async #launch(launch: Launch): Promise<Perdure> {
    try {
      await this.#leaving;
      return await launch();
    } catch (error) {
      this.#launched = null;
      throw error;
    }
  }
}

async function leave(launched: Promise<Perdure>, options: { readonly drainMs?: number }): Promise<void> {
  const perdure = await launched.catch(() => null);
  await perdure?.shutdown(options);
}
