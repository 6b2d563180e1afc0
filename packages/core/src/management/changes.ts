import { SpanKind } from '@opentelemetry/api';
import type { Codec } from '../codec/codec.js';
import { InvalidArgumentError, RunNotFoundError, WorkflowTimeoutError } from '../errors/errors.js';
import { QueueTimeoutError } from '../errors/queue-errors.js';
import type { Clock } from '../seams/clock.js';
import type { RunStatus } from '../store/records.js';
import type { EndedRun, Reopening } from '../store/run-changes.js';
import type { Store } from '../store/store.js';
import type { Tracing } from '../tracing/tracing.js';
import { type Duration, toMs } from '../util/duration.js';
import { type AttributeChanges, encodeChanges } from '../workflow/attributes.js';
import type { RunListing } from './listing.js';
import { checkNarrow, idsOf, type RunChoice } from './run-filter.js';
import { told } from '../util/given.js';

export interface ChangeOptions {
  /** How many at most, of those that a filter finds: 1,000 by default. */
  readonly limit?: number;
  /** Told of how many of those that are meant were dealt with so far, after each batch. */
  readonly onProgress?: (done: number) => void;
}

/** What became of the runs that something was to be done to. */
export interface RunChanges {
  readonly changed: readonly string[];
  readonly unchanged: readonly { readonly workflowId: string; readonly why: string }[];
}

export interface ChangesOptions {
  readonly store: Pick<Store, 'runs' | 'runChanges' | 'runListing' | 'runRemoval'>;
  readonly listing: RunListing;
  readonly clock: Clock;
  readonly codec: Codec;
  readonly tracing: Tracing;
  /** Repeats a question while the database is away. */
  readonly ask: <T>(send: () => Promise<T>) => Promise<T>;
  /** @throws {RunNotFoundError} */
  readonly cancel: (workflowId: string) => Promise<void>;
  /** There is more to take. */
  readonly onFreed: () => void;
}

const limitMax = 10_000;

/** So many are changed by one statement. */
const batchMax = 500;

const unfinished: readonly RunStatus[] = ['enqueued', 'delayed', 'running', 'blocked'];
const unsuccessful: readonly RunStatus[] = ['failed', 'cancelled', 'dead'];

/** What is done to runs, by the verbs that need no more than to know which. */
export type ChangeVerb = 'cancel' | 'resume' | 'restart' | 'delete';

/** The runs that a verb means of a filter that says nothing of their statuses. */
export const meantStatuses: Readonly<Record<ChangeVerb, readonly RunStatus[]>> = {
  cancel: unfinished,
  resume: [...unsuccessful, 'blocked'],
  restart: unsuccessful,
  delete: ['completed', ...unsuccessful],
};

/** What is done to runs from outside, one or many. */
export class Changes {
  readonly #options: ChangesOptions;

  constructor(options: ChangesOptions) {
    this.#options = options;
  }

  async cancel(choice: RunChoice, options: ChangeOptions): Promise<RunChanges> {
    return await this.#change(choice, meantStatuses.cancel, options, async (workflowIds, statuses) => {
      const changed: string[] = [];
      for (const workflowId of workflowIds) {
        const status = statuses.get(workflowId);
        if (status === undefined || !unfinished.includes(status)) continue;
        try {
          await this.#options.cancel(workflowId);
          changed.push(workflowId);
        } catch (error) {
          if (!(error instanceof RunNotFoundError)) throw error;
        }
      }
      return changed;
    });
  }

  async resume(choice: RunChoice, options: ChangeOptions): Promise<RunChanges> {
    return await this.#change(choice, meantStatuses.resume, options, (workflowIds, statuses) =>
      this.#traced('resume', workflowIds, () => this.#resume(workflowIds, statuses)),
    );
  }

  async #resume(workflowIds: readonly string[], statuses: ReadonlyMap<string, RunStatus>): Promise<readonly string[]> {
    const { store, clock, ask } = this.#options;
    const having = (status: RunStatus): string[] => workflowIds.filter((id) => statuses.get(id) === status);
    const [blocked, delayed] = [having('blocked'), having('delayed')];
    const begin = { runAt: null, delayMs: 0, now: clock.sqlNow() };
    const reopened = await this.#reopen(workflowIds, (ended) =>
      this.#mayGoOn(ended) ? { ...ended, isAfresh: false } : null,
    );
    // Which ones are meant is settled: sent again, the statement finds none of them blocked.
    if (blocked.length > 0) await ask(() => store.runChanges.unblock(blocked, clock.sqlNow()));
    return [
      ...reopened,
      ...blocked,
      ...(delayed.length === 0 ? [] : await ask(() => store.runChanges.setDelay({ workflowIds: delayed, ...begin }))),
    ];
  }

  async restart(choice: RunChoice, options: ChangeOptions): Promise<RunChanges> {
    return await this.#change(choice, meantStatuses.restart, options, (workflowIds) =>
      this.#traced('restart', workflowIds, () =>
        this.#reopen(workflowIds, (ended) => (ended.kind === 'completed' ? null : { ...ended, isAfresh: true })),
      ),
    );
  }

  async delete(
    choice: RunChoice,
    { children, ...options }: ChangeOptions & { children: boolean },
  ): Promise<RunChanges> {
    const { store, ask } = this.#options;
    return await this.#change(choice, meantStatuses.delete, options, async (workflowIds, statuses) => {
      const missing = new Set(workflowIds.filter((id) => !statuses.has(id)));
      const all = children ? await ask(() => store.runRemoval.findTrees(workflowIds)) : workflowIds;
      const there = all.filter((id) => !missing.has(id));
      const gone: string[] = [];
      // Parents first, as the trees have them: a child goes when its parent has ended, or is gone.
      for (const batch of batches(there)) {
        const removed = new Set(await ask(() => store.runRemoval.remove(batch, 'patient')));
        // The reply that named the others may have been lost: what was there and is not any more is gone.
        const left = await this.#statuses(batch.filter((id) => !removed.has(id)));
        gone.push(...batch.filter((id) => !left.has(id)));
      }
      return gone;
    });
  }

  async setPriority(choice: RunChoice, priority: number, options: ChangeOptions): Promise<RunChanges> {
    if (!Number.isSafeInteger(priority) || Math.abs(priority) >= 2 ** 31) {
      throw new InvalidArgumentError(`priority must be a whole number of 32 bits, not ${told(priority)}`);
    }
    const { store, ask } = this.#options;
    return await this.#change(choice, ['enqueued', 'delayed'], options, (workflowIds) =>
      ask(() => store.runChanges.setPriority(workflowIds, priority)),
    );
  }

  async setDelay(choice: RunChoice, until: Duration | Date, options: ChangeOptions): Promise<RunChanges> {
    const { store, clock, ask } = this.#options;
    const moment = until instanceof Date ? until.getTime() : null;
    if (Number.isNaN(moment)) throw new InvalidArgumentError('The moment of a delay must be a valid Date');
    const delay = { runAt: moment, delayMs: until instanceof Date ? 0 : toMs(until, 'delay'), now: clock.sqlNow() };
    return await this.#change(choice, ['enqueued', 'delayed'], options, (workflowIds) =>
      ask(() => store.runChanges.setDelay({ workflowIds, ...delay })),
    );
  }

  async setAttributes(workflowId: string, changes: AttributeChanges): Promise<void> {
    const { set, removed } = encodeChanges(changes);
    const { store, ask } = this.#options;
    const isThere = await ask(() => store.runChanges.setAttributes(workflowId, set, removed));
    if (!isThere) throw new RunNotFoundError(workflowId);
  }

  /** What it ended with was not the code's doing, and nothing in its history says that it has ended. */
  #mayGoOn({ kind, payload, isInterrupted }: EndedRun): boolean {
    if (isInterrupted || kind === 'completed') return false;
    if (kind !== 'failed') return true;
    const error = this.#options.codec.decodeError(payload ?? '');
    return error instanceof WorkflowTimeoutError || error instanceof QueueTimeoutError;
  }

  async #reopen(
    workflowIds: readonly string[],
    reopening: (ended: EndedRun) => Reopening | null,
  ): Promise<readonly string[]> {
    const { store, clock, ask } = this.#options;
    // Which ends are taken back is settled first: a statement that is sent again takes back no later one.
    const ended = await ask(() => store.runChanges.findEnded(workflowIds));
    const chosen = ended.map(reopening).filter((run) => run !== null);
    if (chosen.length > 0) await ask(() => store.runChanges.reopen(chosen, clock.sqlNow()));
    return chosen.map((run) => run.workflowId);
  }

  /** One span for all that one statement changes, with a link to each run that was. */
  async #traced(
    verb: ChangeVerb,
    workflowIds: readonly string[],
    change: () => Promise<readonly string[]>,
  ): Promise<readonly string[]> {
    const { tracing, store } = this.#options;
    const [first, ...others] = workflowIds;
    const attributes = first === undefined || others.length > 0 ? {} : { 'perdure.workflow.target_id': first };
    const span = tracing.request(verb, SpanKind.INTERNAL, attributes, null);
    if (span === null) return await change();
    return await span.around(async () => {
      const changed = await change();
      // What was changed stays changed, also where nobody can say how it is linked; that is asked once, and not waited for.
      const traces = await store.runs.findTraces(changed).catch(() => []);
      for (const trace of traces) span.linkToRun(trace);
      return changed;
    });
  }

  /** @param usual the statuses that are meant where a filter says nothing of them */
  async #change(
    choice: RunChoice,
    usual: readonly RunStatus[],
    { limit = 1_000, onProgress }: ChangeOptions,
    change: (workflowIds: readonly string[], statuses: ReadonlyMap<string, RunStatus>) => Promise<readonly string[]>,
  ): Promise<RunChanges> {
    if (!Number.isSafeInteger(limit) || limit < 1 || limit > limitMax) {
      throw new InvalidArgumentError(`limit must be a whole number from 1 to ${limitMax}`);
    }
    const changed: string[] = [];
    const unchanged: RunChanges['unchanged'][number][] = [];
    let looked = 0;
    for await (const [workflowIds, statuses] of this.#chosen(choice, usual, limit)) {
      const done = new Set(await change(workflowIds, statuses));
      changed.push(...done);
      for (const workflowId of workflowIds) {
        if (!done.has(workflowId)) unchanged.push({ workflowId, why: whyNot(statuses.get(workflowId)) });
      }
      looked += workflowIds.length;
      onProgress?.(looked);
    }
    if (changed.length > 0) this.#options.onFreed();
    return { changed, unchanged };
  }

  async *#chosen(
    choice: RunChoice,
    usual: readonly RunStatus[],
    limit: number,
  ): AsyncGenerator<readonly [readonly string[], ReadonlyMap<string, RunStatus>]> {
    const ids = idsOf(choice);
    if (ids === null) {
      const filter = checkNarrow(choice as Exclude<RunChoice, string | readonly string[]>);
      for await (const page of this.#options.listing.each({ ...filter, status: filter.status ?? usual }, limit)) {
        yield [page.map(({ workflowId }) => workflowId), statusesOf(page)];
      }
      return;
    }
    for (const batch of batches(ids)) yield [batch, await this.#statuses(batch)];
  }

  async #statuses(workflowIds: readonly string[]): Promise<ReadonlyMap<string, RunStatus>> {
    const { store, ask } = this.#options;
    const which = { where: { ids: workflowIds }, order: 'oldest', after: null, max: workflowIds.length } as const;
    return workflowIds.length === 0 ? new Map() : statusesOf(await ask(() => store.runListing.list(which)));
  }
}

const statusesOf = (
  runs: readonly { readonly workflowId: string; readonly status: RunStatus }[],
): ReadonlyMap<string, RunStatus> => new Map(runs.map(({ workflowId, status }) => [workflowId, status]));

function* batches<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let first = 0; first < all.length; first += batchMax) yield all.slice(first, first + batchMax);
}

function whyNot(status: RunStatus | undefined): string {
  if (status === undefined) return 'there is no such run';
  const facts: Record<RunStatus, string> = {
    enqueued: 'it waits to begin',
    delayed: 'it is delayed',
    running: 'it executes',
    blocked: 'it is blocked',
    completed: 'it has completed',
    failed: 'its code failed, and would again: restart it, or fork it',
    cancelled: 'it was cancelled, and its code was told: restart it, or fork it',
    dead: 'it is dead',
  };
  return facts[status];
}
