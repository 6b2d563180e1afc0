import type { Clock, Timer } from '../seams/clock.js';
import type { Logger } from '../seams/logger.js';
import type { Enclosure } from '../checkpoint-log/checkpoint-log.js';
import type { Hint, NotificationStore } from '../store/notifications.js';
import type { Queryable, Subscription } from '../database/database.js';

export interface HintHandlers {
  readonly onWork: () => void;
  readonly onSchedules: () => void;
  readonly onVersions: () => void;
  readonly onCancel: () => void;
  readonly onFinished: (workflowIds: readonly string[]) => void;
  readonly onEvents: (workflowIds: readonly string[]) => void;
  readonly onMessages: (workflowIds: readonly string[]) => void;
  /** Hints may have been missed. */
  readonly onGap: () => void;
}

/** How long until LISTEN is tried again where it failed. */
const listenRetryMs = 30_000;

/** How long after a hint the next one is sent on its own. */
const busyMs = 100;

/** Other processes' waiters are told of this many runs, those asked for last; of others they find out by asking. */
const wantedMax = 10_000;

/**
 * Hints between processes, sent and received. They only make things quicker: whatever they announce is also found by
 * asking, so a hint that fails is dropped.
 *
 * Nobody is told of an outcome unless somebody elsewhere said that it waits for it.
 */
export class Hints {
  readonly #notifications: NotificationStore;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #wanted = new Set<string>();
  #queued: Hint[] = [];
  #sending: Promise<void> | null = null; // null = nothing is being sent
  #isStopped = false;
  #lastMs = Number.NEGATIVE_INFINITY;
  #wasDeaf = false;
  #subscription: Subscription | null = null;
  #retry: Timer | null = null;

  constructor(notifications: NotificationStore, clock: Clock, logger: Logger) {
    this.#notifications = notifications;
    this.#clock = clock;
    this.#logger = logger;
  }

  async listen(handlers: HintHandlers): Promise<void> {
    const onHint = (hint: Hint): void => {
      if (hint.type === 'work') handlers.onWork();
      else if (hint.type === 'schedules') handlers.onSchedules();
      else if (hint.type === 'versions') handlers.onVersions();
      else if (hint.type === 'cancel') handlers.onCancel();
      else if (hint.type === 'finished') handlers.onFinished(hint.ids);
      else if (hint.type === 'event') handlers.onEvents(hint.ids);
      else if (hint.type === 'message') handlers.onMessages(hint.ids);
      else this.#want(hint.ids);
    };
    const onGap = (): void => {
      this.#tellDeafness();
      handlers.onGap();
    };
    try {
      this.#subscription = await this.#notifications.listen(onHint, onGap);
      if (this.#isStopped) await this.#subscription.unsubscribe();
    } catch (error) {
      this.#logger.warn({ err: error }, 'LISTEN is not possible now; until it is, this process finds out by asking');
      this.#retry = this.#clock.setTimer(listenRetryMs, () => void this.listen(handlers), { background: true });
    }
  }

  /** Queues a hint. Those of what one reply of the database lets go on are sent together, and at once: somebody waits. */
  send(hint: Hint): void {
    if (this.#isStopped) return;
    this.#queued.push(hint);
    this.#lastMs = this.#clock.monotonicMs();
    this.#sending ??= new Promise<void>((resolve) => process.nextTick(resolve)).then(() => this.#sendQueued());
  }

  /** Sends a hint that arrives when, and only if, the transaction commits. */
  async sendIn(tx: Queryable, hint: Hint): Promise<void> {
    await this.#notifications.notifyIn(tx, [hint]);
  }

  /**
   * For a write to take along: hints of what its commit makes true, which then arrive a round trip sooner. None in busy times, when
   * they are sent after it: the commit of a notification takes a lock that all others wait for.
   */
  enclose(hints: readonly Hint[]): readonly string[] {
    const nowMs = this.#clock.monotonicMs();
    if (this.#isStopped || hints.length === 0 || this.#sending !== null || nowMs - this.#lastMs < busyMs) return [];
    this.#lastMs = nowMs;
    return this.#notifications.enclosed(merge(hints));
  }

  /** A write that takes hints along, or is followed by them. It is repeated without, should it fail: they can be what is refused. */
  async around<T>(hints: readonly Hint[], write: (enclosed: readonly string[]) => Promise<T>): Promise<T> {
    const enclosed = this.enclose(hints);
    if (enclosed.length > 0) {
      try {
        return await write(enclosed);
      } catch (error) {
        this.#logger.debug({ err: error }, 'a write that takes hints along has failed; it is repeated without');
      }
    }
    const written = await write([]);
    for (const hint of hints) this.send(hint);
    return written;
  }

  /** What {@link enclose} gives for the outcomes of these runs of this process, of which nobody is told again once it has gone. */
  encloseFinished(workflowIds: readonly string[]): Enclosure | null {
    const wanted = workflowIds.filter((workflowId) => this.#wanted.has(workflowId));
    const payloads = this.enclose(wanted.length === 0 ? [] : [{ type: 'finished', ids: wanted }]);
    if (payloads.length === 0) return null;
    const onSent = (): void => {
      for (const workflowId of wanted) this.#wanted.delete(workflowId);
    };
    return { payloads, onSent };
  }

  /** A run of this process has its outcome: tell whoever waits elsewhere. */
  finished(workflowId: string): void {
    if (this.#wanted.delete(workflowId)) this.send({ type: 'finished', ids: [workflowId] });
  }

  /** A run of this process has set an event, or written to a stream: tell whoever waits elsewhere. */
  published(workflowId: string): void {
    if (this.#wanted.has(workflowId)) this.send({ type: 'event', ids: [workflowId] });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#retry?.cancel();
    await this.#sending;
    await this.#subscription?.unsubscribe();
  }

  /** Whether hints of other processes don't reach this one. */
  get isDeaf(): boolean {
    return this.#subscription?.isDeaf ?? true;
  }

  #tellDeafness(): void {
    if (this.isDeaf === this.#wasDeaf) return;
    this.#wasDeaf = this.isDeaf;
    if (this.#wasDeaf) {
      this.#logger.warn(
        {},
        'notifications do not arrive, so this process finds out by asking. Behind a pooler in transaction mode that is expected: ' +
          'set notifications to false, or connect directly',
      );
    } else this.#logger.info({}, 'notifications arrive again');
  }

  /** Most of them are executed elsewhere, and nobody says when they have ended: the oldest give way. */
  #want(workflowIds: readonly string[]): void {
    for (const workflowId of workflowIds) {
      this.#wanted.delete(workflowId);
      this.#wanted.add(workflowId);
    }
    for (const workflowId of this.#wanted) {
      if (this.#wanted.size <= wantedMax) break;
      this.#wanted.delete(workflowId);
    }
  }

  async #sendQueued(): Promise<void> {
    while (this.#queued.length > 0) {
      try {
        await this.#notifications.notify(merge(this.#queued.splice(0)));
      } catch (error) {
        this.#logger.debug({ err: error }, 'a hint was lost; polling finds what it announced');
      }
    }
    this.#sending = null;
  }
}

/** Ids per notification: they must fit into 8,000 bytes, and an id may have 255. */
const idsMax = 28;

/** One hint of each kind, with the ids of all, split to what a notification can carry. */
function merge(hints: readonly Hint[]): Hint[] {
  const merged: Hint[] = [];
  for (const type of ['work', 'schedules', 'versions', 'cancel'] as const)
    if (hints.some((hint) => hint.type === type)) merged.push({ type });
  for (const type of ['wanted', 'finished', 'message', 'event'] as const) {
    const ids = [...new Set(hints.flatMap((hint) => (hint.type === type ? hint.ids : [])))];
    for (let start = 0; start < ids.length; start += idsMax) {
      merged.push({ type, ids: ids.slice(start, start + idsMax) });
    }
  }
  return merged;
}
