import { type Deferred, deferred } from '../../packages/core/src/util/deferred.js';
import type { Ledger } from '../support/scenarios.js';

/** What the steps of one process did, and how its client and they wait for each other. */
export class ProcessLedger implements Ledger {
  readonly begun: string[] = [];
  readonly ended: string[] = [];
  /** 0 for the first process. */
  readonly process: number;
  readonly #gate = deferred<void>();
  readonly #names = new Map<string, Deferred<void>>();

  constructor(process: number) {
    this.process = process;
  }

  note(name: string, idempotencyKey: string): void {
    this.begun.push(idempotencyKey);
    this.#named(name).resolve();
  }

  /** Resolves when a step of this name has begun in this process. */
  whenBegun(name: string): Promise<void> {
    return this.#named(name).promise;
  }

  get gate(): Promise<void> {
    return this.#gate.promise;
  }

  openGate(): void {
    this.#gate.resolve();
  }

  #named(name: string): Deferred<void> {
    const known = this.#names.get(name) ?? deferred<void>();
    this.#names.set(name, known);
    return known;
  }
}
