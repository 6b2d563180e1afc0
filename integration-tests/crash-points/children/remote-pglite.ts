import type { MessagePort } from 'node:worker_threads';
import type { PGliteLike } from '../../../packages/core/src/database/embedded.js';
import type { Answer, Ask, Question } from '../pglite-messages.js';

type Rows = { rows: unknown[] };

/** The parent's PGlite, for the worker that has the other end of its port. */
export class RemotePGlite implements PGliteLike {
  readonly closed = false;
  readonly #port: MessagePort;
  readonly #open = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  readonly #listeners = new Set<(channel: string, payload: string) => void>();
  #lastNo = 0;

  constructor(port: MessagePort) {
    this.#port = port;
    port.on('message', (answer: Answer) => this.#hear(answer));
  }

  async query(text: string, values?: unknown[]): Promise<Rows> {
    return (await this.#ask({ kind: 'query', text, values, tx: null })) as Rows;
  }

  async exec(sql: string): Promise<unknown> {
    return await this.#ask({ kind: 'exec', sql, tx: null });
  }

  async transaction<T>(work: (tx: RemoteTransaction) => Promise<T>): Promise<T> {
    const tx = (await this.#ask({ kind: 'begin' })) as number;
    let result: T;
    try {
      result = await work({
        query: async (text, values) => (await this.#ask({ kind: 'query', text, values, tx })) as Rows,
        exec: (sql) => this.#ask({ kind: 'exec', sql, tx }),
      });
    } catch (error) {
      await this.#ask({ kind: 'end', tx, verdict: 'rollback' });
      throw error;
    }
    await this.#ask({ kind: 'end', tx, verdict: 'commit' });
    return result;
  }

  onNotification(listener: (channel: string, payload: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    // It is the parent's.
  }

  #ask(ask: Ask): Promise<unknown> {
    const no = ++this.#lastNo;
    return new Promise((resolve, reject) => {
      this.#open.set(no, { resolve, reject });
      this.#port.postMessage({ ...ask, no } satisfies Question);
    });
  }

  #hear(answer: Answer): void {
    if (answer.kind === 'notification') {
      for (const listener of this.#listeners) listener(answer.channel, answer.payload);
      return;
    }
    const waiting = this.#open.get(answer.no);
    this.#open.delete(answer.no);
    if (answer.kind === 'answer') waiting?.resolve(answer.value);
    else waiting?.reject(Object.assign(new Error(answer.error.message), answer.error));
  }
}

interface RemoteTransaction {
  query(text: string, values?: unknown[]): Promise<Rows>;
  exec(sql: string): Promise<unknown>;
}
