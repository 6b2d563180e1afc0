import type { ClientLike } from './pg-like.js';

/**
 * Which pooled connections to distrust. When one got no answer in time, those that nothing was heard on since are no
 * better: a network that has forgotten one connection has forgotten its neighbours too, and nothing is sent on them that
 * would tell. Without this, each of them would cost another deadline.
 */
export class Silences {
  readonly #heardAt = new WeakMap<ClientLike, number>();
  #count = 0;

  /** A connection got no answer in time. */
  occurred(): void {
    this.#count += 1;
  }

  /** This connection got its answers. */
  answered(client: ClientLike): void {
    this.#heardAt.set(client, this.#count);
  }

  /** Whether another connection has fallen silent since this one was last heard. */
  isDoubtful(client: ClientLike): boolean {
    return (this.#heardAt.get(client) ?? this.#count) < this.#count;
  }
}
