import type { Clock } from '../seams/clock.js';

/** Tells how long connections of a pool had to be waited for, and asks no clock while nobody listens. */
export class PoolWaits {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #listeners = new Set<(waitedMs: number) => void>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  listen(listener: (waitedMs: number) => void): () => void {
    // Of its own: somebody may listen twice with the same function.
    const own = (waitedMs: number): void => listener(waitedMs);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** Somebody waits now, until what is returned is called. */
  begin(): () => void {
    if (this.#listeners.size === 0) return notListening;
    const begunMs = this.#clock.monotonicMs();
    return () => {
      const waitedMs = this.#clock.monotonicMs() - begunMs;
      for (const listener of this.#listeners) listener(waitedMs);
    };
  }
}

const notListening = (): void => {};
