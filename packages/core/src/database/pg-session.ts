import pg from 'pg';

/** A connection of its own, outside any pool: opened when first needed, and again after it was lost. */
export class PgSession {
  readonly #config: pg.ClientConfig;
  readonly #onLost: () => void;
  #opened: Promise<pg.Client> | null = null; // null = not open
  #isClosed = false;

  constructor(config: pg.ClientConfig, onLost: () => void = () => {}) {
    this.#config = config;
    this.#onLost = onLost;
  }

  client(): Promise<pg.Client> {
    if (this.#opened !== null) return this.#opened;
    const client = new pg.Client(this.#config);
    const lost = (): void => {
      if (this.#opened === opened) this.discard();
    };
    // Without a listener, an error of an idle connection would end the process.
    client.on('error', lost);
    client.on('end', lost);
    const opened = client.connect().then(
      () => client,
      (error: unknown) => {
        if (this.#opened === opened) this.#opened = null;
        destroySocket(client);
        throw error;
      },
    );
    this.#opened = opened;
    return opened;
  }

  /** Gives up a connection that is lost or cannot be trusted any more. */
  discard(): void {
    const opened = this.#opened;
    if (opened === null) return;
    this.#opened = null;
    opened.then(destroySocket, () => {});
    if (!this.#isClosed) this.#onLost();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const opened = this.#opened;
    this.#opened = null;
    try {
      await (await opened)?.end();
    } catch {
      // It was lost already.
    }
  }
}

/** Ends a connection without the goodbye that `end()` would wait to get through. */
export function destroySocket(client: unknown): void {
  (client as { connection?: { stream?: { destroy(): void } } }).connection?.stream?.destroy();
}
