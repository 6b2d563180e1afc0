import type { Database, Queryable, Row, Statement } from '@perdure/core/internal';
import { gate, type Gate } from '../support/gate.js';
import { passOn } from '../support/pass-on.js';

/**
 * A connection that does one thing at a time and waits to be told: sends a statement, whose effects and locks then stand in
 * a transaction that is open, or commits. A statement that would commit by itself so becomes two steps. Where `isWhole`,
 * a transaction is one step, and so is such a statement.
 */
export class SteppedSession {
  readonly database: Database;
  #next: Gate = gate();
  #isWaiting = false;
  #onWaiting: () => void = () => {};
  #pid: number | null = null; // null = between transactions

  constructor(real: Database, { isWhole }: { readonly isWhole: boolean }) {
    this.database = isWhole ? this.#whole(real) : this.#inSteps(real);
  }

  /** The server process that its open transaction is in. */
  get pid(): number | null {
    return this.#pid;
  }

  /** Whether it waits to be told. */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  /** Resolves when it waits to be told. */
  async waits(): Promise<void> {
    if (this.#isWaiting) return;
    await new Promise<void>((resolve) => (this.#onWaiting = resolve));
  }

  /** Lets it do the next thing. */
  go(): void {
    const waiting = this.#next;
    this.#next = gate();
    this.#isWaiting = false;
    waiting.open();
  }

  async #told(): Promise<void> {
    this.#isWaiting = true;
    this.#onWaiting();
    await this.#next.opened;
  }

  #whole(real: Database): Database {
    return {
      ...passOn(real),
      query: async <R extends Row>(statement: Statement) => {
        await this.#told();
        return await real.query<R>(statement);
      },
      transaction: async (work) => {
        await this.#told();
        return await real.transaction(work);
      },
      sharedTransaction: async (work, options) => {
        await this.#told();
        return await real.sharedTransaction(work, options);
      },
    };
  }

  #inSteps(real: Database): Database {
    return {
      ...passOn(real),
      query: <R extends Row>(statement: Statement) =>
        real.transaction((tx) => this.#stepped(tx, (stepped) => stepped.query<R>(statement))),
      transaction: (work) => real.transaction((tx) => this.#stepped(tx, work)),
      sharedTransaction: (work, options) =>
        real.sharedTransaction(
          (tx) => this.#stepped(tx, (stepped) => work({ ...stepped, client: tx.client })),
          options,
        ),
    };
  }

  async #stepped<T>(tx: Queryable, work: (stepped: Queryable) => Promise<T>): Promise<T> {
    const [row] = await tx.query<{ pid: number }>({ name: 'pid', text: 'select pg_backend_pid() as pid', values: [] });
    this.#pid = row!.pid;
    const result = await work({
      query: async <R extends Row>(statement: Statement) => {
        await this.#told();
        return await tx.query<R>(statement);
      },
      script: async (sql) => {
        await this.#told();
        await tx.script(sql);
      },
    });
    await this.#told();
    return result;
  }
}
