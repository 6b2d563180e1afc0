import type { Database } from '@perdure/core/internal';
import type { SteppedSession } from './stepped-session.js';

/** One who makes a transition, a step at a time. */
export class Actor {
  /** What the transition answers; what Postgres refuses is an answer, too. */
  readonly answer: Promise<unknown>;
  hasBeenBlocked = false;
  deadlocks = 0;
  readonly #session: SteppedSession;
  readonly #monitor: Database;
  #state: 'acts' | 'waits to be told' | 'is blocked' | 'over' = 'acts';

  constructor(session: SteppedSession, monitor: Database, transition: () => Promise<unknown>) {
    this.#session = session;
    this.#monitor = monitor;
    this.answer = this.#make(transition).finally(() => (this.#state = 'over'));
    this.answer.catch(() => {});
  }

  get state(): 'acts' | 'waits to be told' | 'is blocked' | 'over' {
    return this.#state;
  }

  /** Takes the next step. */
  go(): void {
    this.#state = 'acts';
    this.#session.go();
  }

  /** Resolves when it waits to be told, waits for a lock that the other one holds, or is over. */
  async arrive(): Promise<void> {
    while (this.#state !== 'over') {
      const progress = Promise.race([this.#session.waits(), this.answer.catch(() => {})]);
      // Before it has its first transaction, it holds and needs nothing.
      const isBlocked = this.#session.pid === null ? progress.then(() => false) : this.#isBlocked(this.#session.pid);
      await Promise.race([progress, isBlocked]);
      if (this.state === 'over') return;
      if (this.#session.isWaiting) {
        this.#state = 'waits to be told';
        return;
      }
      if (await isBlocked) {
        this.hasBeenBlocked = true;
        this.#state = 'is blocked';
        return;
      }
    }
  }

  /** What the server undid because two waited for each other is sent again, as the engine does. */
  async #make(transition: () => Promise<unknown>): Promise<unknown> {
    for (;;) {
      try {
        return await transition();
      } catch (error) {
        const { code } = error as { code?: string };
        if (code === undefined) throw error;
        if (code !== '40P01') return { code };
        this.deadlocks += 1;
      }
    }
  }

  /** Nobody else has locks here, and whoever holds one waits to be told: so it stays blocked until then. */
  async #isBlocked(pid: number): Promise<boolean> {
    const [row] = await this.#monitor.query<{ blocked: boolean }>({
      name: 'is_blocked',
      text: 'select cardinality(pg_blocking_pids($1::int4)) > 0 as blocked',
      values: [pid],
    });
    return row!.blocked;
  }
}
