import type { Database, Queryable, Row, SharedTransaction, Statement } from '@perdure/core/internal';
import { TransactionInDoubtError } from '../../../packages/core/src/database/transaction-errors.js';
import { passOn } from '../../support/pass-on.js';
import { type CrashPoint, isSamePoint, nameOf, type Phase } from '../points.js';

export interface TrapOptions {
  readonly crashAt: CrashPoint | null; // null = not at all
  /** Ends the process here and now. */
  readonly die: (point: CrashPoint) => void;
  /** Whether the reply to a statement gets lost while the process lives on. */
  readonly isReplyLost: (name: string, nth: number) => boolean;
}

/** Sees every statement of a process, and lets it die at one of them. */
export class Trap {
  /** The moments that there were to die at, in order. */
  readonly points: CrashPoint[] = [];
  readonly #options: TrapOptions;
  readonly #counts = new Map<string, number>();
  #isArmed = true;

  constructor(options: TrapOptions) {
    this.#options = options;
  }

  /** From now on nothing is counted any more, and nobody dies. */
  disarm(): void {
    this.#isArmed = false;
  }

  /** A statement that has no effect before another one commits it. */
  enter(name: string): void {
    this.#at(name, this.#next(name), 'before');
  }

  /** A statement that commits. An error is a reply, too. */
  async pass<T>(name: string, send: () => Promise<T>, lostReply = connectionLost): Promise<T> {
    const nth = this.#next(name);
    this.#at(name, nth, 'before');
    return await this.#reply(name, nth, send(), lostReply);
  }

  /** A transaction, whose last statement is the one that commits. */
  async transaction<T>(
    kind: string,
    send: (onCommit: () => void) => Promise<T>,
    lostReply = connectionLost,
  ): Promise<T> {
    this.enter(`begin ${kind}`);
    const commit = `commit ${kind}`;
    let nth = 0;
    const onCommit = (): void => {
      nth = this.#next(commit);
      this.#at(commit, nth, 'before');
    };
    const sent = send(onCommit);
    // Rolled back: nothing that could commit was sent.
    const isCommitted = await sent.then(
      () => true,
      () => nth > 0,
    );
    return isCommitted ? await this.#reply(commit, nth, sent, lostReply) : await sent;
  }

  async #reply<T>(name: string, nth: number, reply: Promise<T>, lostReply: () => Error): Promise<T> {
    const isLost = this.#isArmed && this.#options.isReplyLost(name, nth);
    try {
      const answer = await reply;
      if (isLost) throw lostReply();
      return answer;
    } finally {
      this.#at(name, nth, 'unheard');
      setImmediate(() => this.#at(name, nth, 'after'));
    }
  }

  #next(name: string): number {
    const nth = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, nth);
    return nth;
  }

  #at(name: string, nth: number, phase: Phase): void {
    if (!this.#isArmed) return;
    const point = { name, nth, phase };
    this.points.push(point);
    const { crashAt, die } = this.#options;
    if (crashAt !== null && isSamePoint(point, crashAt)) die(point);
  }
}

/** A database whose every statement goes through a trap. */
export function trappedDatabase(database: Database, trap: Trap): Database {
  const inside = (tx: Queryable): Queryable => ({
    query: <R extends Row>(statement: Statement) => {
      trap.enter(nameOf(statement));
      return tx.query<R>(statement);
    },
    script: (sql) => {
      trap.enter('script');
      return tx.script(sql);
    },
  });
  return {
    ...passOn(database),
    query: <R extends Row>(statement: Statement) => trap.pass(nameOf(statement), () => database.query<R>(statement)),
    script: (sql) => trap.pass('script', () => database.script(sql)),
    transaction: (work) =>
      trap.transaction('transaction', (onCommit) =>
        database.transaction(async (tx) => {
          const result = await work(inside(tx));
          onCommit();
          return result;
        }),
      ),
    sharedTransaction: (work, options) =>
      trap.transaction(
        'transactional step',
        (onCommit) =>
          database.sharedTransaction(async (tx) => {
            const result = await work({ ...inside(tx), client: trappedClient(tx, trap) });
            onCommit();
            return result;
          }, options),
        () => new TransactionInDoubtError(connectionLost()),
      ),
    through: (client) => inside(database.through(client)),
    listen: (channel, onNotification, onGap) =>
      trap.pass('listen', () => database.listen(channel, onNotification, onGap)),
  };
}

/** For user code, and for {@link Database.through}, which looks at what else a client can do. */
function trappedClient({ client }: SharedTransaction, trap: Trap): SharedTransaction['client'] {
  const query: SharedTransaction['client']['query'] = (text, values) => {
    trap.enter('statement of a body');
    return client.query(text, values);
  };
  return new Proxy(client, {
    get: (target, name) => (name === 'query' ? query : (Reflect.get(target, name, target) as unknown)),
  });
}

/** What the driver throws when the connection ends before the reply comes. */
function connectionLost(): Error {
  return Object.assign(new Error('Connection terminated unexpectedly'), { code: 'ECONNRESET' });
}
