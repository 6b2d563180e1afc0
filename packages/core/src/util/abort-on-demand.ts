/**
 * An abort signal that is only made when somebody asks for it. Most code never does, and a signal costs more than the rest
 * of what the engine does for a step.
 */
export class AbortOnDemand {
  #controller: AbortController | null = null; // null = nobody has asked for the signal
  #isAborted = false;

  get isAborted(): boolean {
    return this.#isAborted;
  }

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#isAborted) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  abort(): void {
    if (this.#isAborted) return;
    this.#isAborted = true;
    this.#controller?.abort();
  }
}
