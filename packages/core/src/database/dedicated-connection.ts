import pg from 'pg';
import { withDeadline } from './deadline.js';
import type { PreparedStatements } from './prepared-statements.js';
import { Session, destroySocket } from './session.js';

/** How long a farewell to the server may take. */
const farewellTimeoutMs = 1_000;

/** A connection outside the pool, so that a busy pool cannot starve what travels on it. */
export class DedicatedConnection {
  readonly session: Session;
  readonly #client: pg.Client;

  /** Connecting, and then every statement, may take `timeoutMs`. */
  static async open(
    config: pg.ClientConfig,
    prepared: PreparedStatements,
    timeoutMs: number,
  ): Promise<DedicatedConnection> {
    const client = new pg.Client(config);
    const connection = new DedicatedConnection(client, new Session(client, prepared, timeoutMs));
    try {
      await withDeadline(client.connect(), timeoutMs, () => {});
      return connection;
    } catch (error) {
      destroySocket(client);
      throw error;
    }
  }

  private constructor(client: pg.Client, session: Session) {
    this.#client = client;
    this.session = session;
  }

  onNotification(listener: (channel: string, payload: string) => void): void {
    this.#client.on('notification', ({ channel, payload }) => listener(channel, payload ?? ''));
  }

  /** Resolves when the socket is closed. */
  async end(): Promise<void> {
    if (this.session.isBroken) destroySocket(this.#client);
    await endClient(this.#client);
  }
}

export async function endClient(client: pg.Client): Promise<void> {
  try {
    await withDeadline(client.end(), farewellTimeoutMs, () => destroySocket(client));
  } catch {
    // The socket is destroyed, which is all that was wanted.
  }
}
