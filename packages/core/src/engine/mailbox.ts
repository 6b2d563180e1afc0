import type { Clock } from '../seams/clock.js';
import type { Logger } from '../seams/logger.js';
import type { Random } from '../seams/random.js';
import type { Message, MessageStore, Waiting } from '../store/messages.js';
import { type Deferred, deferred } from '../util/deferred.js';
import type { Mailbox, MessageWait } from '../workflow/mailbox.js';
import { Lookout } from './lookout.js';

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

/** Finds messages for the runs of this process that wait for some. Who waits longest for a topic of a run gets the oldest. */
export class EngineMailbox implements Mailbox {
  readonly #messages: MessageStore;
  readonly #waiters = new Map<string, Waiter[]>();
  readonly #lookout: Lookout;

  constructor({ messages, ...seams }: EngineMailboxOptions) {
    this.#messages = messages;
    this.#lookout = new Lookout({
      ...seams,
      name: 'messages',
      awaited: () => this.#waiters.keys(),
      look: (workflowIds) => this.#look(workflowIds),
    });
  }

  next(wait: MessageWait): Promise<Message> {
    const waiter: Waiter = { ...wait, found: deferred<Message>() };
    this.#waiters.set(wait.workflowId, [...(this.#waiters.get(wait.workflowId) ?? []), waiter]);
    wait.signal.addEventListener('abort', () => this.#forget(waiter), { once: true });
    this.#lookout.look([wait.workflowId]);
    return waiter.found.promise;
  }

  async lookNow(workflowId: string): Promise<void> {
    await this.#lookout.looked(workflowId);
  }

  /** There are messages for these runs. */
  arrived(workflowIds: readonly string[]): void {
    const waiting = workflowIds.filter((workflowId) => this.#waiters.has(workflowId));
    if (waiting.length > 0) this.#lookout.look(waiting);
  }

  async stop(): Promise<void> {
    await this.#lookout.stop();
    this.#waiters.clear();
  }

  /**
   * What is found is for those who waited when it was looked for. Who came later, in another execution of the run, may have
   * replayed that one of the messages was taken meanwhile.
   */
  async #look(workflowIds: readonly string[]): Promise<void> {
    const waiting = workflowIds.flatMap((workflowId) => this.#waitingOf(workflowId));
    if (waiting.length === 0) return;
    const waiters = new Set(workflowIds.flatMap((workflowId) => this.#waiters.get(workflowId) ?? []));
    for (const message of await this.#messages.find(waiting)) this.#deliver(message, waiters);
  }

  #waitingOf(workflowId: string): Waiting[] {
    const waiters = this.#waiters.get(workflowId) ?? [];
    return waiters.map(({ topic, retries, received }) => {
      return { workflowId, topic, retries, count: waiters.length + received.size };
    });
  }

  /** The same message comes up once for each who waits for its topic. */
  #deliver(message: Message, waiters: ReadonlySet<Waiter>): void {
    const waiter = this.#waiters
      .get(message.workflowId)
      ?.find((it) => waiters.has(it) && it.topic === message.topic && !it.received.has(message.no));
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
