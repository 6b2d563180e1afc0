import { EngineStoppedError, type Perdure } from '@perdure/core';

/** How a run ended. */
export type Settled =
  | { readonly kind: 'completed'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly error: unknown }
  /** Not the run ended, but this engine, or it cannot say. */
  | { readonly kind: 'unavailable'; readonly error: unknown };

/** Waits for outcomes, and can stop waiting. */
export class Outcomes {
  readonly #perdure: Perdure;
  readonly #waiting = new Map<string, number>();

  constructor(perdure: Perdure) {
    this.#perdure = perdure;
  }

  /** The outcome; null if `waitMs` (null = without limit) is over first, or the signal aborts. */
  async wait(runId: string, waitMs: number | null, signal: AbortSignal | null = null): Promise<Settled | null> {
    const left = new AbortController();
    const leave = (): void => left.abort();
    const timer = waitMs === null ? undefined : setTimeout(leave, waitMs);
    if (signal?.aborted === true) leave();
    signal?.addEventListener('abort', leave, { once: true });
    this.#waiting.set(runId, this.count(runId) + 1);
    try {
      return { kind: 'completed', value: await this.#perdure.run(runId).result({ signal: left.signal }) };
    } catch (error) {
      if (left.signal.aborted && error === left.signal.reason) return null;
      return { kind: error instanceof EngineStoppedError ? 'unavailable' : 'failed', error };
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', leave);
      this.#uncount(runId);
    }
  }

  /** How many requests wait for a run here. */
  count(runId: string): number {
    return this.#waiting.get(runId) ?? 0;
  }

  #uncount(runId: string): void {
    const count = this.count(runId) - 1;
    if (count > 0) this.#waiting.set(runId, count);
    else this.#waiting.delete(runId);
  }
}
