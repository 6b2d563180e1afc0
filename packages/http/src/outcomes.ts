import { EngineStoppedError, type Perdure } from '@perdure/core';

/** How a run ended. */
export type Settled =
  | { readonly kind: 'completed'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly error: unknown }
  /** Not the run ended, but this engine, or it cannot say. */
  | { readonly kind: 'unavailable'; readonly error: unknown };

type Listener = (settled: Settled) => void;

/**
 * Waits for outcomes, and can stop waiting. However many requests come and go while a run goes on, the engine is asked
 * once for each run.
 */
export class Outcomes {
  readonly #perdure: Perdure;
  readonly #listeners = new Map<string, Set<Listener>>();

  constructor(perdure: Perdure) {
    this.#perdure = perdure;
  }

  /** The outcome; null if `waitMs` (null = without limit) is over first, or the signal aborts. */
  wait(runId: string, waitMs: number | null, signal: AbortSignal | null = null): Promise<Settled | null> {
    const listeners = this.#listenersOf(runId);
    return new Promise((resolve) => {
      const timer = waitMs === null ? undefined : setTimeout(() => done(null), waitMs);
      const abort = (): void => done(null);
      const done = (settled: Settled | null): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        listeners.delete(done);
        resolve(settled);
      };
      listeners.add(done);
      if (signal?.aborted === true) done(null);
      else signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** How many requests wait for a run here. */
  count(runId: string): number {
    return this.#listeners.get(runId)?.size ?? 0;
  }

  #listenersOf(runId: string): Set<Listener> {
    const known = this.#listeners.get(runId);
    if (known !== undefined) return known;
    const listeners = new Set<Listener>();
    this.#listeners.set(runId, listeners);
    void this.#ask(runId).then((settled) => {
      this.#listeners.delete(runId);
      for (const listener of listeners) listener(settled);
    });
    return listeners;
  }

  async #ask(runId: string): Promise<Settled> {
    try {
      return { kind: 'completed', value: await this.#perdure.run(runId).result() };
    } catch (error) {
      return { kind: error instanceof EngineStoppedError ? 'unavailable' : 'failed', error };
    }
  }
}
