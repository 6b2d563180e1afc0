import { GroupCommit } from '../checkpoint-log/group-commit.js';
import type { Database } from '../database/database.js';
import type { Clock } from '../seams/clock.js';
import type { Logger } from '../seams/logger.js';
import type { MessageStore, NewMessage, SendVerdict } from '../store/messages.js';
import { retryWhileUnavailable } from './retry-while-unavailable.js';

export interface OutboxOptions {
  readonly database: Database;
  readonly messages: MessageStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly itemsMax: number;
}

type Sent = SendVerdict | { readonly error: unknown };

/** Sends messages in groups, in the order in which they are handed over, each until the database has answered for it. */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #groupCommit: GroupCommit<NewMessage, Sent>;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#groupCommit = new GroupCommit({
      flush: (batch) => this.#flush(batch),
      nextTurn: (run) => options.clock.nextMacrotask(run),
      batchItemsMax: options.itemsMax,
      batchBytesMax: 4 * 1024 * 1024,
      bytesOf: (message) => 200 + (message.payload?.length ?? 0),
      isFatal: () => false,
      ownerOf: (message) => message.workflowId,
    });
  }

  async send(message: NewMessage): Promise<SendVerdict> {
    const sent = await this.#groupCommit.append(message);
    if (typeof sent === 'object') throw sent.error;
    return sent;
  }

  stop(): void {
    this.#groupCommit.abandon();
  }

  /** What the database refuses, it refuses for good: each by itself, so that it doesn't take others along. */
  async #flush(batch: readonly NewMessage[]): Promise<readonly Sent[]> {
    const { database, messages, clock } = this.#options;
    try {
      return await retryWhileUnavailable(
        this.#options,
        () => this.#groupCommit.isAbandoned,
        () => messages.send(database, batch, clock.sqlNow()),
      );
    } catch (error) {
      if (batch.length === 1) return [{ error }];
      const sent: Sent[] = [];
      for (const message of batch) sent.push(...(await this.#flush([message])));
      return sent;
    }
  }
}
