import { createHash } from 'node:crypto';
import type { ClaimedRun } from '../store/records.js';
import { SeededRandom } from '../util/seeded-random.js';

/**
 * What a run draws that must be the same in every replay: ids of its children, keys of its steps, randomness. A retry of
 * the whole workflow draws anew, because its steps are to run again.
 */
export class RunIdentity {
  readonly #workflowId: string;
  /** How often the whole workflow was retried. */
  readonly retries: number;
  #drawn: SeededRandom | null = null; // null = nothing was drawn
  readonly #seed: string;
  #nextChild = 0;
  #nextToken = 0;

  constructor(run: ClaimedRun, retries: number) {
    this.#workflowId = run.workflowId;
    this.retries = retries;
    this.#seed = run.seed;
  }

  nextChildId(): string {
    return `${this.#workflowId}.${this.retries === 0 ? '' : `r${this.retries}.`}${this.#nextChild++}`;
  }

  /** The same for every attempt of a call, in every process. */
  idempotencyKey(seq: number): string {
    return `${this.#workflowId}:${this.retries === 0 ? '' : `r${this.retries}:`}${seq}`;
  }

  /**
   * Nobody can guess it who does not know the run's seed. A retry of the whole workflow draws the same tokens: whoever was
   * given one has only that.
   */
  nextToken(): string {
    return createHash('sha256').update(`${this.#seed} token ${this.#nextToken++}`).digest('base64url');
  }

  uuid(): string {
    return this.#seeded.uuid();
  }

  random(): number {
    return this.#seeded.float();
  }

  get #seeded(): SeededRandom {
    return (this.#drawn ??= new SeededRandom(`${this.#seed}:${this.retries}`));
  }
}
