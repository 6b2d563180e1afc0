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
  readonly #seeded: SeededRandom;
  #nextChild = 0;

  constructor(run: ClaimedRun, retries: number) {
    this.#workflowId = run.workflowId;
    this.retries = retries;
    this.#seeded = new SeededRandom(`${run.seed}:${retries}`);
  }

  nextChildId(): string {
    return `${this.#workflowId}.${this.retries === 0 ? '' : `r${this.retries}.`}${this.#nextChild++}`;
  }

  /** The same for every attempt of a call, in every process. */
  idempotencyKey(seq: number): string {
    return `${this.#workflowId}:${this.retries === 0 ? '' : `r${this.retries}:`}${seq}`;
  }

  uuid(): string {
    return this.#seeded.uuid();
  }

  random(): number {
    return this.#seeded.float();
  }
}
