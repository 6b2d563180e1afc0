import type { Queryable } from '../database/database.js';
import type { ScheduledStart } from '../schedule/scheduled-start.js';
import type { StartRequest } from '../workflow/run-starter.js';
import { standIn } from '../workflow/stand-in.js';
import type { EngineServices } from './engine-services.js';
import { type PreparedStart, prepareStart, startedAs } from './starts.js';
import type { Versions } from './versions.js';

/** What a schedule starts, by the name of its workflow: a process that has no code of it, or not the promoted one, leaves the run to one that has. */
export function slotRequest(
  versions: Versions,
  workflow: string,
  slot: unknown,
  workflowId: string,
  start: ScheduledStart = {},
): StartRequest {
  return {
    definition: versions.forNewWork(workflow) ?? standIn(workflow),
    args: [slot],
    options: { ...start, workflowId },
    captured: {
      carried: { encoded: null },
      trace: { kind: 'schedule', context: null, links: [], above: null, depth: 0 },
    },
    parent: null,
    transaction: null,
  };
}

/** The start of a slot's run, in the transaction in which its schedule moves on: it counts once that has committed. */
export class SlotStart {
  readonly #services: EngineServices;
  readonly #ensureQueue: (tx: Queryable, queue: string) => Promise<void>;
  #starting: PreparedStart | null = null; // null = nothing was to be started
  #isNew = false;

  constructor(services: EngineServices, ensureQueue: (tx: Queryable, queue: string) => Promise<void>) {
    this.#services = services;
    this.#ensureQueue = ensureQueue;
  }

  /** Carries the transaction out; the span of the start ends with what becomes of it. */
  async around<T>(transact: () => Promise<T>): Promise<T> {
    try {
      const result = await transact();
      if (this.#starting !== null) startedAs(this.#starting, this.#services.metrics, { isNew: this.#isNew });
      return result;
    } catch (error) {
      this.#starting?.span?.failed(error);
      throw error;
    }
  }

  /**
   * Makes the run part of the transaction; one that is there already stays as it is.
   *
   * @param ownQueue where the runs of this schedule wait for each other; null if they don't
   */
  async makeIn(tx: Queryable, request: StartRequest, ownQueue: string | null): Promise<void> {
    const { store, clock } = this.#services;
    const options = ownQueue === null ? request.options : { ...request.options, queue: ownQueue };
    this.#starting = await prepareStart({ ...request, options }, this.#services, null);
    const { run, queueing, queuedTimeoutMs } = this.#starting;
    let inserted: ReadonlySet<string>;
    if (queueing === null) inserted = await store.runs.insertAvailable(tx, [run], clock.sqlNow());
    else {
      if (ownQueue === null) await this.#ensureQueue(tx, queueing.item.queue);
      else await store.queues.declare(tx, [{ name: ownQueue, settings: { concurrency: 1 } }]);
      const queued = { ...run, ...queueing.item, timeoutMs: queuedTimeoutMs };
      inserted = await store.queues.enqueue(tx, [queued], clock.sqlNow());
    }
    this.#isNew = inserted.has(run.seed);
  }
}
