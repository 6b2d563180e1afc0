import { type Perdure, RunNotFoundError } from '@perdure/core';
import { Outcomes } from './outcomes.js';
import { HttpProblem, unavailable } from './problem.js';

/** What the two kinds of routes ask of the engine. */
export class RunWatch {
  readonly outcomes: Outcomes;
  readonly #perdure: Perdure;
  readonly #startTimeoutMs: number;

  constructor(perdure: Perdure, startTimeoutMs: number) {
    this.#perdure = perdure;
    this.#startTimeoutMs = startTimeoutMs;
    this.outcomes = new Outcomes(perdure);
  }

  /** @throws {HttpProblem} 503 if the start is not durable in time; it may become so later */
  async started<T>(start: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(unavailable()), this.#startTimeoutMs);
    });
    try {
      return await Promise.race([start, limit]);
    } finally {
      clearTimeout(timer);
      start.catch(() => {});
    }
  }

  async isFinished(runId: string): Promise<boolean> {
    return (await this.#finishedAt(runId)) !== null;
  }

  /** Whether a run ended so long ago that its key is forgotten. */
  async isExpired(runId: string, ttlMs: number | null): Promise<boolean> {
    if (ttlMs === null) return false;
    const finishedAt = await this.#finishedAt(runId);
    return finishedAt !== null && finishedAt + ttlMs <= Date.now();
  }

  cancel(runId: string): void {
    // Nobody is there to be told if it fails.
    this.#perdure
      .run(runId)
      .cancel()
      .catch(() => {});
  }

  async #finishedAt(runId: string): Promise<number | null> {
    try {
      return (await this.#perdure.run(runId).status()).finishedAt;
    } catch (error) {
      if (error instanceof RunNotFoundError) return null;
      throw error;
    }
  }
}

export const concurrentRequest = (): HttpProblem =>
  new HttpProblem(
    409,
    'concurrent-request',
    'Request in progress',
    'A request with this idempotency key is being processed. Send it again later to get its answer.',
    { retryAfterSeconds: 1 },
  );
