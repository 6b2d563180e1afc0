import { type Perdure, type RunInfo, RunNotFoundError, WorkflowConflictError } from '@perdure/core';
import { timerMs } from './options.js';
import { Outcomes } from './outcomes.js';
import { HttpProblem, keyReused, unavailable } from './problem.js';
import { generationOf } from './run-id.js';

/** What the two kinds of routes ask of the engine. */
export class RunWatch {
  readonly outcomes: Outcomes;
  readonly #perdure: Perdure;
  readonly #startTimeoutMs: number;

  constructor(perdure: Perdure, startTimeoutMs: number) {
    this.#perdure = perdure;
    this.#startTimeoutMs = timerMs(1, startTimeoutMs, 'startTimeoutMs');
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

  /**
   * What the start of a key's run came to; null if the key stands for another payload, but is forgotten.
   *
   * @throws {HttpProblem} 422 if it stands for another payload; 503
   */
  async begun<Run>(start: Promise<Run>, runId: string, ttlMs: number | null): Promise<Run | null> {
    try {
      return await this.started(start);
    } catch (error) {
      if (!(error instanceof WorkflowConflictError)) throw error;
      if (await this.isExpired(runId, ttlMs)) return null;
      throw keyReused();
    }
  }

  /**
   * The generation to try after one that can give no answer. Where there are many, as of a key that is used again and
   * again and soon forgotten, the last one is found in few looks.
   */
  async generationAfter(generation: number, runId: string): Promise<number> {
    if (generation > 0) return generation + 1;
    const exists = async (no: number): Promise<boolean> => (await this.#find(generationOf(runId, no))) !== null;
    let [known, beyond] = [0, 1];
    while (await exists(beyond)) [known, beyond] = [beyond, beyond * 2];
    while (beyond - known > 1) {
      const middle = Math.floor((known + beyond) / 2);
      if (await exists(middle)) known = middle;
      else beyond = middle;
    }
    return Math.max(known, 1);
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
    return (await this.#find(runId))?.finishedAt ?? null;
  }

  async #find(runId: string): Promise<RunInfo | null> {
    try {
      return await this.#perdure.run(runId).status();
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
