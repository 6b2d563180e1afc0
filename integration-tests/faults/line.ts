import type { Socket } from 'node:net';

/** How fast a {@link Line} delivers. */
export type Pace =
  | { readonly kind: 'at-once' }
  | { readonly kind: 'latency'; readonly delayMs: number }
  | { readonly kind: 'trickle'; readonly byteIntervalMs: number };

/** One direction of a connection: delivers what it is given in order, at the pace of the moment. */
export class Line {
  readonly #to: Socket;
  readonly #pace: () => Pace;
  #delivered: Promise<void> = Promise.resolve();

  constructor(to: Socket, pace: () => Pace) {
    this.#to = to;
    this.#pace = pace;
  }

  send(bytes: Buffer): void {
    const pace = this.#pace();
    // Counted from now: what comes in one burst is delayed once.
    const dueAt = performance.now() + (pace.kind === 'latency' ? pace.delayMs : 0);
    this.#delivered = this.#delivered.then(() => this.#deliver(bytes, dueAt));
  }

  /** Ends the connection in this direction, after what was sent before. */
  end(): void {
    this.#delivered = this.#delivered.then(() => void this.#to.end());
  }

  async #deliver(bytes: Buffer, dueAt: number): Promise<void> {
    const waitMs = dueAt - performance.now();
    if (waitMs > 0) await passes(waitMs);
    for (let sent = 0; sent < bytes.length && !this.#to.destroyed;) {
      const pace = this.#pace();
      const part = pace.kind === 'trickle' ? bytes.subarray(sent, sent + 1) : bytes.subarray(sent);
      this.#to.write(part);
      sent += part.length;
      if (pace.kind === 'trickle') await passes(pace.byteIntervalMs);
    }
  }
}

function passes(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
