import { deferred } from './deferred.js';

/** Waits that can be ended from outside, without a promise that lives longer than they do and collects them. */
export class Interruptible {
  readonly #underWay = new Set<() => void>();

  /** @param error what the wait rejects with if it is interrupted */
  async wait<T>(work: () => Promise<T>, error: () => Error): Promise<T> {
    const interrupted = deferred<never>();
    const interrupt = (): void => interrupted.reject(error());
    this.#underWay.add(interrupt);
    try {
      return await Promise.race([work(), interrupted.promise]);
    } finally {
      this.#underWay.delete(interrupt);
    }
  }

  interrupt(): void {
    for (const interrupt of this.#underWay) interrupt();
  }
}
