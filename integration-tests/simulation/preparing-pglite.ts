import { parse, type PGlite, protocol } from '@electric-sql/pglite';

const { serialize } = protocol;

interface Prepared {
  readonly name: string;
  readonly parameterTypes: readonly number[];
}

/**
 * A PGlite that prepares each statement once, as the driver for Postgres does: a `PGlite` itself parses and plans a statement
 * each time, which would be most of what a simulation does. It is for one who sends one thing after the other: nothing
 * waits here for a transaction's end.
 */
export class PreparingPGlite {
  readonly #pglite: PGlite;
  readonly #prepared = new Map<string, Prepared>();

  constructor(pglite: PGlite) {
    this.#pglite = pglite;
  }

  get closed(): boolean {
    return this.#pglite.closed;
  }

  onNotification(listener: (channel: string, payload: string) => void): () => void {
    return this.#pglite.onNotification(listener);
  }

  async query(text: string, values: readonly unknown[] = []): Promise<{ rows: unknown[] }> {
    try {
      const { name, parameterTypes } = this.#prepared.get(text) ?? (await this.#prepare(text));
      const parameters = values.map((value, index) => this.#encoded(value, parameterTypes[index]!));
      const bound = await this.#send(serialize.bind({ statement: name, values: parameters }));
      const described = await this.#send(serialize.describe({ type: 'P' }));
      const executed = await this.#send(serialize.execute({}));
      const [result] = parse.parseResults([...bound, ...described, ...executed], this.#pglite.parsers);
      return { rows: result?.rows ?? [] };
    } finally {
      await this.#send(serialize.sync());
    }
  }

  async exec(sql: string): Promise<unknown> {
    return await this.#pglite.exec(sql);
  }

  async transaction<T>(work: (tx: Pick<PreparingPGlite, 'query' | 'exec'>) => Promise<T>): Promise<T> {
    await this.exec('begin');
    try {
      const result = await work({ query: (text, values) => this.query(text, values), exec: (sql) => this.exec(sql) });
      await this.exec('commit');
      return result;
    } catch (error) {
      await this.exec('rollback');
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#pglite.close();
  }

  async #prepare(text: string): Promise<Prepared> {
    const name = `statement_${this.#prepared.size}`;
    await this.#send(serialize.parse({ name, text }));
    const described = await this.#send(serialize.describe({ type: 'S', name }));
    const prepared = { name, parameterTypes: parse.parseDescribeStatementResults(described) };
    this.#prepared.set(text, prepared);
    return prepared;
  }

  #encoded(value: unknown, type: number): string | Uint8Array | null {
    if (value === null || value === undefined) return null;
    // What is encoded already is sent as it is.
    if (value instanceof Uint8Array) return value;
    const serializer = this.#pglite.serializers[type];
    return serializer === undefined ? `${value as string | number | boolean}` : serializer(value);
  }

  async #send(message: Uint8Array): Promise<Awaited<ReturnType<PGlite['execProtocol']>>['messages']> {
    return (await this.#pglite.execProtocol(message, { syncToFs: false })).messages;
  }
}
