import type { Row, Statement } from './database.js';
import type { DedicatedConnection } from './dedicated-connection.js';

/**
 * The connection for `control` statements. A lost one is replaced when the next statement comes: the heartbeat has a
 * pace of its own, and one that is due must not wait for a backoff.
 */
export class ControlConnection {
  readonly #connect: () => Promise<DedicatedConnection>;
  #connection: Promise<DedicatedConnection> | null = null; // null = none is open

  constructor(connect: () => Promise<DedicatedConnection>) {
    this.#connect = connect;
  }

  async query<R extends Row>(statement: Statement): Promise<R[]> {
    const { session } = await (this.#connection ??= this.#open());
    return await session.query<R>(statement);
  }

  async close(): Promise<void> {
    const connection = await this.#connection?.catch(() => null);
    await connection?.end();
  }

  async #open(): Promise<DedicatedConnection> {
    try {
      const connection = await this.#connect();
      connection.session.whenBroken(() => {
        this.#connection = null;
        void connection.end();
      });
      return connection;
    } catch (error) {
      this.#connection = null;
      throw error;
    }
  }
}
