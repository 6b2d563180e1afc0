import { InvalidArgumentError } from '../errors/errors.js';
import { classify } from './database-errors.js';
import type { IsolationLevel, SharedTransactionOptions } from './database.js';
import { TransactionConflictError, TransactionInDoubtError } from './transaction-errors.js';

/**
 * A driver's client as the user of a transaction gets it: the same object to look at, but it remembers what failed, and
 * refuses to work once the transaction is over.
 */
export class GuardedClient<Client extends object> {
  readonly client: Client;
  readonly #supervise: <T>(answer: Promise<T>) => Promise<T>;
  #isOpen = true;
  #firstError: unknown; // undefined = no statement failed
  #busy = 0;

  /** @param supervise wraps each answer, for a deadline */
  constructor(client: Client, supervise: <T>(answer: Promise<T>) => Promise<T>) {
    this.#supervise = supervise;
    const methods = new Map<PropertyKey, unknown>();
    this.client = new Proxy(client, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        if (!methods.has(name)) {
          methods.set(name, (...args: unknown[]) =>
            this.#call(name, () => Reflect.apply(value, target, args) as unknown),
          );
        }
        return methods.get(name);
      },
    });
  }

  /** Whether a statement is under way. */
  get isBusy(): boolean {
    return this.#busy > 0;
  }

  /** From now on every use is refused. */
  close(): void {
    this.#isOpen = false;
  }

  /** Waits for a statement of the transaction, and remembers how it failed. */
  async watch<T>(answer: Promise<T>): Promise<T> {
    this.#busy += 1;
    try {
      return await answer;
    } catch (error) {
      this.#firstError ??= error;
      throw error;
    } finally {
      this.#busy -= 1;
    }
  }

  /** What a transaction that ended with `thrown` failed of: the first error of a statement aborted it. */
  verdict(thrown: unknown): unknown {
    return this.#firstError === undefined ? thrown : verdictOf(this.#firstError, thrown);
  }

  #call(name: PropertyKey, method: () => unknown): unknown {
    // Libraries that take a client for a pool's give it back.
    if (name === 'release') return undefined;
    if (name === 'end' || name === 'rollback') {
      throw new InvalidArgumentError(
        `${name}() is not for the body of a transaction: it commits when the body returns, and rolls back when it throws.`,
      );
    }
    if (!this.#isOpen) {
      throw new InvalidArgumentError(
        'A transaction was used after its end. Await everything that its body does with it.',
      );
    }
    const answer = method();
    if (!(answer instanceof Promise)) return answer;
    const watched = this.watch(this.#supervise(answer));
    // A statement that the body does not await must not end the process.
    watched.catch(() => {});
    return watched;
  }
}

/** What became of a transaction that a statement's error `cause` aborted, and that ended with `thrown`. */
export function verdictOf(cause: unknown, thrown: unknown): unknown {
  if (classify(cause) === 'connection') return new TransactionInDoubtError(cause);
  if (hasCode(cause, ...repeatable)) return new TransactionConflictError(cause);
  return hasCode(thrown, '25P02') ? cause : thrown;
}

/** Serialisation failure, deadlock; and what a pooler makes of statements that other clients have prepared. */
const repeatable = ['40001', '40P01', '26000', '42P05'];

/** What both drivers send when a shared transaction begins. */
export function settingsOf({ isolationLevel, id }: SharedTransactionOptions): string {
  if (!isolationLevels.includes(isolationLevel) || !/^[\w-]+$/.test(id)) {
    throw new InvalidArgumentError(`isolationLevel must be one of ${isolationLevels.join(', ')}`);
  }
  return `set transaction isolation level ${isolationLevel}; set local perdure.transaction = '${id}'`;
}

const isolationLevels: readonly IsolationLevel[] = ['read committed', 'repeatable read', 'serializable'];

function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}
