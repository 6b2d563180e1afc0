import { never } from '../util/never.js';
import type { Started } from './run-starter.js';

/**
 * The children that a run has started and that are not known to be durable. Nothing outside the process can see them: whoever
 * asks a run and its children to stop misses those that come to be while the run has not heard of it.
 */
export class ChildStarts {
  readonly #cancelChildren: () => Promise<void>;
  readonly #underWay = new Set<Promise<Started>>();
  #mayBeUnasked: boolean;
  #isStopping = false;

  /** @param mayBeUnasked whether an earlier process may have started children after the run was asked to stop */
  constructor(cancelChildren: () => Promise<void>, mayBeUnasked: boolean) {
    this.#cancelChildren = cancelChildren;
    this.#mayBeUnasked = mayBeUnasked;
  }

  /** Whether the run is being stopped, and its children first. */
  get isStopping(): boolean {
    return this.#isStopping;
  }

  async start(send: () => Promise<Started>): Promise<Started> {
    // A call that the cancellation is about to answer.
    if (this.#isStopping) return await never();
    this.#mayBeUnasked = true;
    const start = send();
    this.#underWay.add(start);
    try {
      return await start;
    } finally {
      this.#underWay.delete(start);
    }
  }

  /**
   * Asks the children to stop that came to be after the run itself had been asked; null = there are none. Until that is
   * durable, the cancellation must not take effect: the process that takes over after a crash would not ask again.
   */
  stop(): Promise<void> | null {
    return this.#mayBeUnasked ? this.#stop() : null;
  }

  async #stop(): Promise<void> {
    this.#isStopping = true;
    try {
      await Promise.allSettled(this.#underWay);
      await this.#cancelChildren();
    } finally {
      this.#isStopping = false;
    }
  }
}
