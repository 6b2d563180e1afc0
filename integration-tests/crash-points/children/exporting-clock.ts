import { VirtualClock } from '@perdure/testing';

/**
 * A virtual clock that everything in the process goes by, and whose time passes for the exporting of spans, too: before it
 * jumps, what has ended leaves the process, as it would in that time. Within a jump, what happens happens at once, and what
 * is lost with a process is what its processors still had.
 */
export class ExportingClock extends VirtualClock {
  readonly #exportAll: () => Promise<void>;
  #hasMore = false;

  /** @param exportAll resolves when nothing is left that could be exported */
  constructor(exportAll: () => Promise<void>) {
    super();
    this.#exportAll = exportAll;
    this.#setTheProcess();
  }

  /** A span has ended. */
  noteSpan(): void {
    this.#hasMore = true;
  }

  override advance(ms: number): void {
    if (!this.#hasMore) {
      super.advance(ms);
      return;
    }
    // Whoever wanted to move time tries again.
    this.#hasMore = false;
    const hold = this.hold();
    void this.#exportAll().finally(() => hold.release());
  }

  /** The clocks that an SDK reads go with this one, and on a little by themselves. */
  #setTheProcess(): void {
    const sinceStart = performance.now.bind(performance);
    const [startedAt, began] = [sinceStart(), this.now()];
    performance.now = () => sinceStart() + this.now() - began;
    Date.now = () => Math.floor(this.now() + sinceStart() - startedAt);
  }
}
