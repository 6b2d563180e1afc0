import type { Logger } from '@perdure/core';

/** A logger that counts what it was warned of. */
export class LogBook implements Logger {
  #count = 0;

  get count(): number {
    return this.#count;
  }

  debug(): void {}
  info(): void {}

  warn(): void {
    this.#count += 1;
  }

  error(): void {
    this.#count += 1;
  }
}
