import { GroupCommit } from '../checkpoint-log/group-commit.js';
import type { Database } from '../database/database.js';
import type { QueuedRun } from '../store/queue-items.js';
import type { Started } from '../workflow/run-starter.js';
import type { EngineServices } from './engine-services.js';
import type { StartingRun } from './first-claim.js';
import { refusedOneByOne } from './refused-one-by-one.js';
import { retryWhileUnavailable } from './retry-while-unavailable.js';
import { foundRun, type PreparedStart } from './starts.js';

type Submission =
  { readonly kind: 'run'; readonly run: StartingRun } | { readonly kind: 'item'; readonly run: QueuedRun };

type Verdict = 'recorded' | 'taken' | { readonly error: unknown };

/** Makes runs durable for whoever may execute them, in groups. */
export class Submissions {
  readonly #services: EngineServices;
  readonly #database: Database;
  readonly #groupCommit: GroupCommit<Submission, Verdict>;

  constructor(services: EngineServices, database: Database) {
    this.#services = services;
    this.#database = database;
    this.#groupCommit = new GroupCommit({
      flush: (batch) => refusedOneByOne(batch, (items) => this.#untilAnswered(() => this.#insert(items))),
      nextTurn: (run) => services.clock.nextMacrotask(run),
      batchItemsMax: services.options.flushItemsMax,
      batchBytesMax: 4 * 1024 * 1024,
      bytesOf: ({ run }) => 200 + (run.input?.length ?? 0) + (run.context?.length ?? 0),
      isFatal: () => false,
      ownerOf: ({ run }) => run.workflowId,
    });
  }

  /** Never settles once {@link Submissions.stop} was called. */
  async submit({ run, queueing, queuedTimeoutMs }: PreparedStart): Promise<Started> {
    const verdict = await this.#groupCommit.append(
      queueing === null
        ? { kind: 'run', run }
        : { kind: 'item', run: { ...run, ...queueing.item, timeoutMs: queuedTimeoutMs } },
    );
    if (typeof verdict === 'object') throw verdict.error;
    if (verdict === 'recorded') return { workflowId: run.workflowId, isNew: true };
    const { store, codec } = this.#services;
    const existing = await this.#untilAnswered(() => store.runs.findIn(this.#database, run.workflowId));
    return foundRun(existing, run, codec);
  }

  stop(): void {
    this.#groupCommit.abandon();
  }

  /** May be repeated: what is there already is found to be the same run. */
  async #insert(batch: readonly Submission[]): Promise<readonly Verdict[]> {
    const { store, clock, hints } = this.#services;
    const runs = batch.flatMap((submission) => (submission.kind === 'run' ? [submission.run] : []));
    const items = batch.flatMap((submission) => (submission.kind === 'item' ? [submission.run] : []));
    const seeds = new Set<string>();
    await hints.around([{ type: 'work' }], async (enclosed) => {
      if (runs.length > 0) {
        const inserted = await store.runs.insertAvailable(this.#database, runs, clock.sqlNow(), enclosed);
        for (const seed of inserted) seeds.add(seed);
      }
      if (items.length > 0) {
        const enqueued = await store.queues.enqueue(this.#database, items, clock.sqlNow(), enclosed);
        for (const seed of enqueued) seeds.add(seed);
      }
    });
    return batch.map(({ run }) => (seeds.has(run.seed) ? 'recorded' : 'taken'));
  }

  #untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
    return retryWhileUnavailable(this.#services, () => this.#groupCommit.isAbandoned, ask);
  }
}
