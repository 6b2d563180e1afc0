import { SystemRandom } from '../seams/random.js';
import type { Subscription } from './database.js';
import type { DedicatedConnection } from './dedicated-connection.js';
import { type Pause, pause } from './deadline.js';
import { quoteIdentifier } from './identifier.js';
import { type Subscriber, Subscribers } from './subscribers.js';

/** A half-open connection says nothing by itself. */
const pingIntervalMs = 10_000;

/**
 * The connection that LISTENs, opened for the first subscriber. When it is lost it is replaced, and then every subscriber
 * is told of the gap.
 */
export class Listener {
  readonly #connect: () => Promise<DedicatedConnection>;
  readonly #random = new SystemRandom();
  readonly #subscribers = new Subscribers();
  #opening: Promise<void> | null = null; // null = open, reconnecting, or never needed
  #connection: DedicatedConnection | null = null; // null = not connected
  #reconnecting: Promise<void> | null = null;
  #pause: Pause | null = null; // before the next ping or the next attempt to connect
  #isClosed = false;

  constructor(connect: () => Promise<DedicatedConnection>) {
    this.#connect = connect;
  }

  /** Rejects if there is no connection yet and none can be made; nobody is subscribed then. */
  async listen(channel: string, onNotification: (payload: string) => void, onGap: () => void): Promise<Subscription> {
    const subscriber: Subscriber = { onNotification, onGap };
    this.#subscribers.add(channel, subscriber);
    try {
      await this.#begin(channel);
    } catch (error) {
      this.#subscribers.remove(channel, subscriber);
      throw error;
    }
    return { unsubscribe: () => this.#unsubscribe(channel, subscriber) };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#pause?.end();
    await this.#opening?.catch(() => {});
    await this.#reconnecting;
    await this.#connection?.end();
  }

  async #begin(channel: string): Promise<void> {
    if (this.#reconnecting !== null) return; // it will listen to this channel too
    if (this.#connection === null) {
      this.#opening ??= this.#open().finally(() => (this.#opening = null));
      await this.#opening;
    }
    await this.#execute('listen', channel);
  }

  async #unsubscribe(channel: string, subscriber: Subscriber): Promise<void> {
    if (this.#subscribers.remove(channel, subscriber) && !this.#isClosed) await this.#execute('unlisten', channel);
  }

  /** On a connection that is lost there is nothing to do: its replacement listens to what is subscribed by then. */
  async #execute(command: 'listen' | 'unlisten', channel: string): Promise<void> {
    const connection = this.#connection;
    try {
      await connection?.session.script(`${command} ${quoteIdentifier(channel)}`);
    } catch (error) {
      if (connection?.session.isBroken !== true) throw error;
    }
  }

  async #open(): Promise<void> {
    const connection = await this.#connect();
    connection.onNotification((channel, payload) => this.#subscribers.notify(channel, payload));
    try {
      const commands = this.#subscribers.channels.map((channel) => `listen ${quoteIdentifier(channel)};`);
      await connection.session.script(commands.join('\n'));
    } catch (error) {
      await connection.end();
      throw error;
    }
    this.#connection = connection;
    connection.session.whenBroken(() => {
      this.#connection = null;
      this.#pause?.end();
      void connection.end();
      this.#reconnecting ??= this.#reconnect().finally(() => (this.#reconnecting = null));
    });
    void this.#ping(connection);
  }

  async #ping({ session }: DedicatedConnection): Promise<void> {
    while (!session.isBroken && (await this.#passes(pingIntervalMs))) {
      await session.query({ name: 'perdure_ping', text: 'select 1', values: [] }).catch(() => {});
    }
  }

  async #reconnect(): Promise<void> {
    for (let failures = 0; ; failures += 1) {
      // Jitter: after a failover every process comes back at once.
      const delayMs = Math.min(2_000, 50 * 2 ** failures) * (0.5 + this.#random.float());
      if (!(await this.#passes(delayMs))) return;
      await this.#open().catch(() => {});
      if (this.#connection === null) continue;
      this.#subscribers.announceGap();
      return;
    }
  }

  /** Waits; false once the listener is closed. */
  async #passes(delayMs: number): Promise<boolean> {
    if (this.#isClosed) return false;
    this.#pause = pause(delayMs);
    await this.#pause.over;
    return !this.#isClosed;
  }
}
