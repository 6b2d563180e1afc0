import { SystemRandom } from '../seams/random.js';
import { type Pause, pause } from './deadline.js';

/** How long a notification may take from commit to arrival. */
const arrivalTimeoutMs = 5_000;

/**
 * Finds out whether notifications arrive: sends one to itself, over another connection, and waits for it.
 *
 * LISTEN through a pooler in transaction mode succeeds and is never heard of again; so does one on a connection that was
 * cut without a word.
 */
export class Echo {
  readonly channel = `perdure_echo_${new SystemRandom().uuid()}`;
  readonly #send: (channel: string) => Promise<unknown>;
  #wait: Pause | null = null; // null = none is expected
  #hasArrived = false;

  constructor(send: (channel: string) => Promise<unknown>) {
    this.#send = send;
  }

  heard(): void {
    this.#hasArrived = true;
    this.#wait?.end();
  }

  /** `unsent`: the server did not take it, which says nothing about notifications. */
  async sound(): Promise<'arrived' | 'lost' | 'unsent'> {
    this.#hasArrived = false;
    this.#wait = pause(arrivalTimeoutMs);
    try {
      await this.#send(this.channel);
      await this.#wait.over;
    } catch {
      return 'unsent';
    } finally {
      this.#wait.end();
    }
    return this.#hasArrived ? 'arrived' : 'lost';
  }

  /** Ends the wait, if there is one. */
  stop(): void {
    this.#wait?.end();
  }
}
