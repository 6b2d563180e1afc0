import type { Clock } from '../seams/clock.js';
import type { Logger } from '../seams/logger.js';
import type { Random } from '../seams/random.js';
import type { Message, MessageStore } from '../store/messages.js';
import { type Deferred, deferred } from '../util/deferred.js';
import { Loop } from '../util/loop.js';
import type { Mailbox, MessageWait } from '../workflow/mailbox.js';
import { retryWhileUnavailable } from './retry-while-unavailable.js';

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

/**
 * Finds messages for the runs of this process that wait for some: when somebody says that there are, and from time to time
 * by asking, for all waiters in one query. Who waits longest for a topic of a run gets the oldest message.
 */
export class EngineMailbox implements Mailbox {
  readonly #options: EngineMailboxOptions;
  readonly #waiters = new Map<string, Waiter[]>();
  readonly #loop: Loop;
  #isStarted = false;
  #isStopped = false;

  constructor(options: EngineMailboxOptions) {
    this.#options = options;
    this.#loop = new Loop({
      name: 'messages',
      clock: options.clock,
      random: options.random,
      logger: options.logger,
      intervalMs: options.pollMs,
      round: () => this.#look(),
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
    this.#loop.wake();
    return waiter.found.promise;
  }

  async lookNow(): Promise<void> {
    await retryWhileUnavailable(
      this.#options,
      () => this.#isStopped,
      () => this.#look(),
    );
  }

  /** There are messages for these runs. */
  arrived(workflowIds: readonly string[]): void {
    if (workflowIds.some((workflowId) => this.#waiters.has(workflowId))) this.#loop.wake();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#loop.stop();
    this.#waiters.clear();
  }

  async #look(): Promise<void> {
    const waiting = [...this.#waiters.values()].flatMap((waiters) =>
      waiters.map(({ workflowId, topic, retries, received }) => ({
        workflowId,
        topic,
        retries,
        count: waiters.length + received.size,
      })),
    );
    if (waiting.length === 0) return;
    for (const message of await this.#options.messages.find(waiting)) this.#deliver(message);
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
