import { SystemRandom } from '../seams/random.js';
import type { Subscription } from './database.js';
import type { DedicatedConnection } from './dedicated-connection.js';
import { type Pause, pause } from './deadline.js';
import { Echo } from './echo.js';
import { quoteIdentifier } from './identifier.js';
import { type Subscriber, Subscribers } from './subscribers.js';

/** A half-open connection says nothing by itself. */
const checkIntervalMs = 10_000;

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
  readonly #pauses = new Set<Pause>(); // before the next ping, echo or attempt to connect
  readonly #notify: (channel: string) => Promise<unknown>;
  #echo: Echo | null = null; // null = not connected
  #isDeaf = false;
  #isClosed = false;

  /** @param notify sends an empty notification, over another connection than the listener's */
  constructor(connect: () => Promise<DedicatedConnection>, notify: (channel: string) => Promise<unknown>) {
    this.#connect = connect;
    this.#notify = notify;
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
    const isDeaf = (): boolean => this.#isDeaf;
    return {
      unsubscribe: () => this.#unsubscribe(channel, subscriber),
      get isDeaf() {
        return isDeaf();
      },
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#endPauses();
    this.#echo?.stop();
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
      await connection?.session.command(`${command} ${quoteIdentifier(channel)}`);
    } catch (error) {
      if (connection?.session.isBroken !== true) throw error;
    }
  }

  async #open(): Promise<void> {
    const connection = await this.#connect();
    const echo = new Echo(this.#notify);
    connection.onNotification((channel, payload) => {
      if (channel === echo.channel) echo.heard();
      else this.#subscribers.notify(channel, payload);
    });
    try {
      const commands = [echo.channel, ...this.#subscribers.channels].map(
        (channel) => `listen ${quoteIdentifier(channel)};`,
      );
      await connection.session.command(commands.join('\n'));
    } catch (error) {
      await connection.end();
      throw error;
    }
    this.#connection = connection;
    this.#echo = echo;
    connection.session.whenBroken(() => {
      this.#connection = null;
      this.#endPauses();
      echo.stop();
      void connection.end();
      this.#reconnecting ??= this.#reconnect().finally(() => (this.#reconnecting = null));
    });
    void this.#ping(connection);
    void this.#check(connection, echo);
  }

  async #ping({ session }: DedicatedConnection): Promise<void> {
    while (!session.isBroken && (await this.#passes(checkIntervalMs))) {
      await session.query({ name: 'perdure_ping', text: 'select 1', values: [] }).catch(() => {});
    }
  }

  /** A notification that a working connection does not hear is told as deafness. */
  async #check({ session }: DedicatedConnection, echo: Echo): Promise<void> {
    do {
      const sounded = await echo.sound();
      if (session.isBroken || this.#isClosed) return;
      const wasDeaf = this.#isDeaf;
      if (sounded !== 'unsent') this.#isDeaf = sounded === 'lost';
      if (this.#isDeaf !== wasDeaf) this.#subscribers.announceGap();
    } while (await this.#passes(checkIntervalMs));
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
    const wait = pause(delayMs);
    this.#pauses.add(wait);
    await wait.over;
    this.#pauses.delete(wait);
    return !this.#isClosed;
  }

  #endPauses(): void {
    for (const wait of this.#pauses) wait.end();
  }
}
