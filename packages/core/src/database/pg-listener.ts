import type pg from 'pg';
import type { Subscription } from './database.js';
import { later, withDeadline } from './deadline.js';
import { quoteIdentifier } from './identifier.js';
import { PgSession } from './pg-session.js';

interface Subscriber {
  readonly channel: string;
  readonly onNotification: (payload: string) => void;
  readonly onGap: () => void;
}

const pingIntervalMs = 10_000;
const pingTimeoutMs = 5_000;
const reconnectMsMax = 5_000;

/**
 * LISTEN on a session of its own. States: *closed* while there are no subscribers; *listening*; *lost*, from which it
 * reconnects with growing pauses, and tells every subscriber of the gap when it listens again. A ping on the session finds
 * a connection that died without a word.
 */
export class PgListener {
  readonly #session: PgSession;
  readonly #subscribers = new Set<Subscriber>();
  #failures = 0;
  #cancelTimer = (): void => {};
  #isClosed = false;

  constructor(config: pg.ClientConfig) {
    this.#session = new PgSession(config, () => this.#reconnectLater());
  }

  async subscribe(subscriber: Subscriber): Promise<Subscription> {
    this.#subscribers.add(subscriber);
    try {
      await this.#listen([subscriber.channel]);
    } catch (error) {
      this.#subscribers.delete(subscriber);
      throw error;
    }
    return { unsubscribe: () => this.#unsubscribe(subscriber) };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelTimer();
    this.#subscribers.clear();
    await this.#session.close();
  }

  async #unsubscribe(subscriber: Subscriber): Promise<void> {
    this.#subscribers.delete(subscriber);
    if (this.#subscribers.size > 0 || this.#isClosed) return;
    this.#cancelTimer();
    await this.#session.close();
  }

  async #listen(channels: readonly string[]): Promise<void> {
    const client = await this.#session.client();
    client.removeListener('notification', this.#onNotification);
    client.on('notification', this.#onNotification);
    for (const channel of new Set(channels)) {
      await withDeadline(client.query(`listen ${quoteIdentifier(channel)}`), pingTimeoutMs, 'listen');
    }
    this.#failures = 0;
    this.#pingLater();
  }

  readonly #onNotification = (message: pg.Notification): void => {
    for (const subscriber of this.#subscribers) {
      if (subscriber.channel === message.channel) subscriber.onNotification(message.payload ?? '');
    }
  };

  #pingLater(): void {
    this.#cancelTimer();
    this.#cancelTimer = later(pingIntervalMs, () => void this.#ping());
  }

  async #ping(): Promise<void> {
    try {
      const client = await this.#session.client();
      await withDeadline(client.query('select 1'), pingTimeoutMs, 'ping');
      if (!this.#isClosed) this.#pingLater();
    } catch {
      this.#session.discard();
    }
  }

  #reconnectLater(): void {
    this.#cancelTimer();
    if (this.#isClosed || this.#subscribers.size === 0) return;
    const pauseMs = Math.min(reconnectMsMax, 50 * 2 ** Math.min(this.#failures, 10));
    this.#failures += 1;
    this.#cancelTimer = later(pauseMs, () => void this.#reconnect());
  }

  async #reconnect(): Promise<void> {
    try {
      await this.#listen([...this.#subscribers].map((subscriber) => subscriber.channel));
      for (const subscriber of this.#subscribers) subscriber.onGap();
    } catch {
      this.#reconnectLater();
    }
  }
}
