import type { Codec } from '../codec/codec.js';
import type { Queryable } from '../database/database.js';
import { QueueNotFoundError } from '../errors/queue-errors.js';
import {
  checkSettings,
  type QueueChanges,
  type QueueDefinition,
  type QueueSettings,
  readSettings,
} from '../queue/queue-settings.js';
import type { Clock } from '../seams/clock.js';
import type { DeadLetterStore } from '../store/dead-letters.js';
import type { QueueRecord, QueueStore } from '../store/queues.js';
import { type DeadLetterAdmin, DeadLetters } from './dead-letters.js';
import { checkName } from '../workflow/names.js';

/** What is known of a queue. */
export interface QueueInfo {
  readonly name: string;
  /** The limits in force: what code declares, with what was changed at run time. */
  readonly settings: QueueSettings;
  readonly isPaused: boolean;
  /** How many runs stand in line, how many will later, and how many execute. */
  readonly waiting: number;
  readonly delayed: number;
  readonly running: number;
  /** How many have failed and could be put back. */
  readonly deadLetters: number;
}

/** The queues of a database, seen and changed at run time; the changes hold for all processes. */
export interface QueueAdmin {
  /** Runs that failed for good. */
  readonly deadLetters: DeadLetterAdmin;
  list(): Promise<QueueInfo[]>;
  /** @throws {QueueNotFoundError} */
  get(name: string): Promise<QueueInfo>;
  /**
   * Changes limits, for what waits already, too; what is left out stays, and null takes a limit away. A later launch doesn't
   * undo it.
   *
   * @throws {QueueNotFoundError}
   *
   * @example
   * await perdure.queues.change('emails', { concurrency: 5, rateLimit: null });
   */
  change(name: string, changes: QueueChanges): Promise<void>;
  /** Takes all changes back: what code declares is in force again. @throws {QueueNotFoundError} */
  reset(name: string): Promise<void>;
  /** Lets nothing more begin; what runs goes on, and what is enqueued waits. @throws {QueueNotFoundError} */
  pause(name: string): Promise<void>;
  /** @throws {QueueNotFoundError} */
  resume(name: string): Promise<void>;
}

/** The queues as one engine knows them. */
export class Queues implements QueueAdmin {
  readonly deadLetters: DeadLetters;
  readonly #database: Queryable;
  readonly #store: QueueStore;
  readonly #definitions: () => Iterable<QueueDefinition>;
  /** Repeats a question while the database is away. */
  readonly #ask: <T>(send: () => Promise<T>) => Promise<T>;
  /** There may be more to take now. */
  readonly #onChange: () => void;
  readonly #declared = new Map<string, QueueDefinition>();
  readonly #known = new Set<string>();

  constructor(options: {
    readonly database: Queryable;
    readonly store: QueueStore;
    readonly deadLetters: DeadLetterStore;
    readonly clock: Clock;
    readonly codec: Codec;
    readonly definitions: () => Iterable<QueueDefinition>;
    readonly ask: <T>(send: () => Promise<T>) => Promise<T>;
    readonly onChange: () => void;
  }) {
    this.#database = options.database;
    this.#store = options.store;
    this.#definitions = options.definitions;
    this.#ask = options.ask;
    this.#onChange = options.onChange;
    this.deadLetters = new DeadLetters({
      store: options.deadLetters,
      clock: options.clock,
      codec: options.codec,
      ensureQueue: (queue) => this.ensure(queue),
      ask: options.ask,
      onPutBack: options.onChange,
    });
  }

  /** Tells the database what code declares, as far as it wasn't told yet; asks it nothing if all is told. */
  async declare(): Promise<void> {
    await this.#ask(() => this.tryToDeclare());
  }

  /** The same, and an error of the database is thrown: whoever launches an engine is told at once. */
  async tryToDeclare(): Promise<void> {
    const news = [...this.#definitions()].filter((definition) => this.#declared.get(definition.name) !== definition);
    if (news.length === 0) return;
    await this.#store.declare(this.#database, news);
    for (const definition of news) {
      this.#declared.set(definition.name, definition);
      this.#known.add(definition.name);
    }
  }

  /** @throws {QueueNotFoundError} if neither this process nor another has declared the queue */
  async ensure(name: string): Promise<void> {
    if (this.#known.has(name)) return;
    await this.declare();
    if (!this.#known.has(name)) await this.get(name);
    this.#known.add(name);
  }

  /** The same within a transaction, which may not wait for what others do, and may yet be rolled back. */
  async ensureIn(tx: Queryable, name: string): Promise<void> {
    if (this.#known.has(name)) return;
    const definition = [...this.#definitions()].find((declared) => declared.name === name);
    if (definition !== undefined) await this.#store.declare(tx, [definition]);
    else if ((await this.#store.list(tx, [name])).length === 0) throw new QueueNotFoundError(name);
  }

  async list(): Promise<QueueInfo[]> {
    await this.declare();
    return (await this.#ask(() => this.#store.list(this.#database, null))).map(toInfo);
  }

  async get(name: string): Promise<QueueInfo> {
    await this.declare();
    const [record] = await this.#ask(() => this.#store.list(this.#database, [name]));
    if (record === undefined) throw new QueueNotFoundError(name);
    return toInfo(record);
  }

  async change(name: string, changes: QueueChanges): Promise<void> {
    checkName('queue', name);
    const settings = checkSettings(name, changes);
    await this.#update(name, () => this.#store.change(name, settings));
  }

  async reset(name: string): Promise<void> {
    await this.#update(name, () => this.#store.change(name, null));
  }

  async pause(name: string): Promise<void> {
    await this.#update(name, () => this.#store.setPaused(name, true));
  }

  async resume(name: string): Promise<void> {
    await this.#update(name, () => this.#store.setPaused(name, false));
  }

  async #update(name: string, update: () => Promise<boolean>): Promise<void> {
    await this.declare();
    if (!(await this.#ask(update))) throw new QueueNotFoundError(name);
    this.#onChange();
  }
}

function toInfo(record: QueueRecord): QueueInfo {
  return { ...record, settings: readSettings(record.settings) };
}
