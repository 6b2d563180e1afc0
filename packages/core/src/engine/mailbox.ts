import type { Clock } from '../seams/clock.js';
import type { Logger } from '../seams/logger.js';
import type { Random } from '../seams/random.js';
import type { Message, MessageStore, Waiting } from '../store/messages.js';
import { type Deferred, deferred } from '../util/deferred.js';
import { Loop } from '../util/loop.js';
import type { Mailbox, MessageWait } from '../workflow/mailbox.js';

export interface EngineMailboxOptions {
  readonly messages: MessageStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly pollMs: number;
}

interface Waiter extends MessageWait {
  readonly found: Deferred<Message>;
}

/** How many runs are looked for in one query. */
const lookMax = 5_000;

/**
 * Finds messages for the runs of this process that wait for some: for those that begin to wait or that somebody has sent to
 * at once, and from time to time for all. Who waits longest for a topic of a run gets the oldest message.
 */
export class EngineMailbox implements Mailbox {
  readonly #options: EngineMailboxOptions;
  readonly #waiters = new Map<string, Waiter[]>();
  readonly #loop: Loop;
  /** The runs to look for now, and who is to be told when that is done. */
  #urgent = new Map<string, Deferred<void>[]>();
  #allLookedForMs = 0;
  #isStarted = false;

  constructor(options: EngineMailboxOptions) {
    this.#options = options;
    this.#loop = new Loop({
      name: 'messages',
      clock: options.clock,
      random: options.random,
      logger: options.logger,
      intervalMs: options.pollMs,
      round: () => this.#round(),
    });
  }

  next(wait: MessageWait): Promise<Message> {
    const waiter: Waiter = { ...wait, found: deferred<Message>() };
    this.#waiters.set(wait.workflowId, [...(this.#waiters.get(wait.workflowId) ?? []), waiter]);
    wait.signal.addEventListener('abort', () => this.#forget(waiter), { once: true });
    if (!this.#isStarted) {
      this.#isStarted = true;
      this.#loop.start();
    }
    this.#lookFor([wait.workflowId]);
    return waiter.found.promise;
  }

  async lookNow(workflowId: string): Promise<void> {
    const looked = deferred<void>();
    this.#urgent.set(workflowId, [...(this.#urgent.get(workflowId) ?? []), looked]);
    this.#loop.wake();
    await looked.promise;
  }

  /** There are messages for these runs. */
  arrived(workflowIds: readonly string[]): void {
    const waiting = workflowIds.filter((workflowId) => this.#waiters.has(workflowId));
    if (waiting.length > 0) this.#lookFor(waiting);
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    this.#waiters.clear();
    this.#urgent.clear();
  }

  #lookFor(workflowIds: readonly string[]): void {
    for (const workflowId of workflowIds) {
      if (!this.#urgent.has(workflowId)) this.#urgent.set(workflowId, []);
    }
    this.#loop.wake();
  }

  async #round(): Promise<void> {
    const { clock, pollMs } = this.#options;
    const urgent = this.#urgent;
    this.#urgent = new Map();
    // Being woken all the time must not keep it from looking for all.
    const isForAll = urgent.size === 0 || clock.monotonicMs() - this.#allLookedForMs >= pollMs;
    try {
      await this.#look(isForAll ? [...this.#waiters.keys()] : [...urgent.keys()]);
    } catch (error) {
      for (const [workflowId, told] of urgent) {
        this.#urgent.set(workflowId, [...told, ...(this.#urgent.get(workflowId) ?? [])]);
      }
      throw error;
    }
    if (isForAll) this.#allLookedForMs = clock.monotonicMs();
    for (const looked of [...urgent.values()].flat()) looked.resolve();
  }

  async #look(workflowIds: readonly string[]): Promise<void> {
    for (let start = 0; start < workflowIds.length; start += lookMax) {
      const waiting = workflowIds.slice(start, start + lookMax).flatMap((workflowId) => this.#waitingOf(workflowId));
      if (waiting.length === 0) continue;
      for (const message of await this.#options.messages.find(waiting)) this.#deliver(message);
    }
  }

  #waitingOf(workflowId: string): Waiting[] {
    const waiters = this.#waiters.get(workflowId) ?? [];
    return waiters.map(({ topic, retries, received }) => {
      return { workflowId, topic, retries, count: waiters.length + received.size };
    });
  }

  /** The same message comes up once for each who waits for its topic. */
  #deliver(message: Message): void {
    const waiter = this.#waiters
      .get(message.workflowId)
      ?.find(({ topic, received }) => topic === message.topic && !received.has(message.no));
    if (waiter === undefined) return;
    waiter.received.add(message.no);
    this.#forget(waiter);
    waiter.found.resolve(message);
  }

  #forget(waiter: Waiter): void {
    const others = this.#waiters.get(waiter.workflowId)?.filter((other) => other !== waiter) ?? [];
    if (others.length > 0) this.#waiters.set(waiter.workflowId, others);
    else this.#waiters.delete(waiter.workflowId);
  }
}
