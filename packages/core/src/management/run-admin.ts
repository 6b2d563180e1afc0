import type { Codec } from '../codec/codec.js';
import type { Database } from '../database/database.js';
import type { Clock } from '../seams/clock.js';
import type { Random } from '../seams/random.js';
import type { RunRecord } from '../store/records.js';
import type { RunGroup } from '../store/run-listing.js';
import type { Store } from '../store/store.js';
import type { OtlpTraces } from '../tracing/otlp.js';
import type { Tracing } from '../tracing/tracing.js';
import type { Duration } from '../util/duration.js';
import type { AttributeChanges } from '../workflow/attributes.js';
import type { RunInfo } from '../workflow/run-starter.js';
import { type ExportOptions, type Imported, type RunArchive, Archives } from './archives.js';
import { type ChangeOptions, type RunChanges, Changes } from './changes.js';
import type { Explanation } from './explanation.js';
import { Explanations } from './explanations.js';
import { type Fork, type ForkOptions, Forks } from './forks.js';
import { type CountOptions, type ListOptions, RunListing, type RunPage } from './listing.js';
import { type PruneOptions, type Pruned, resolveRules, Retention, type RetentionRule } from './retention.js';
import { checkNarrow, idsOf, type RunChoice, type RunFilter } from './run-filter.js';
import { readable, type RecordedStep, recordedSteps } from './steps.js';
import { type TraceOptions, Traces } from './traces.js';
import { checkObject } from '../util/given.js';
import { checkAskedId } from '../workflow/names.js';

/** A run with what it was given, and what it came to. */
export interface RunDetails extends RunInfo {
  /** The arguments of the workflow. */
  readonly input: unknown;
  /** If it has completed. */
  readonly result?: unknown;
  /** If it has ended otherwise. */
  readonly error?: unknown;
}

/** Runs, to be found, looked at, changed, copied and deleted, wherever they execute. */
export interface RunAdmin {
  /**
   * Runs by what they have in common, page by page, the newest first.
   *
   * @example
   * const { runs, next } = await perdure.runs.list({ name: 'checkout', status: 'failed', attributes: { tenant: 'acme' } });
   */
  list(filter?: RunFilter, options?: ListOptions): Promise<RunPage>;
  /**
   * How many there are, told apart by status, name, queue, version or stretches of time.
   *
   * @example
   * await perdure.runs.count({ createdFrom: yesterday }, { by: ['name', 'status'] });
   */
  count(filter?: RunFilter, options?: CountOptions): Promise<readonly RunGroup[]>;
  /** One run with its input and outcome. @throws {RunNotFoundError} */
  get(workflowId: string): Promise<RunDetails>;
  /** The durable calls that a run has made, with their tries and times. @throws {RunNotFoundError} */
  steps(workflowId: string, options?: { readonly after?: number; readonly limit?: number }): Promise<RecordedStep[]>;
  /**
   * Why a run is where it is, and what would move it.
   *
   * @throws {RunNotFoundError}
   *
   * @example
   * const { message, advice, command } = await perdure.runs.explain('order-42');
   */
  explain(workflowId: string): Promise<Explanation>;
  /** Changes what a run is found by; null takes an attribute away. @throws {RunNotFoundError} */
  setAttributes(workflowId: string, changes: AttributeChanges): Promise<void>;
  /** Asks runs and their attached children to stop; of a filter, those that have not ended. */
  cancel(choice: RunChoice, options?: ChangeOptions): Promise<RunChanges>;
  /**
   * Lets runs go on where they were, without a limit of time, and with all their crashes forgotten: those that were cancelled,
   * are dead or were late; those that are blocked, and those that are delayed. In a queue they wait for their turn.
   */
  resume(choice: RunChoice, options?: ChangeOptions): Promise<RunChanges>;
  /**
   * Lets runs that failed, died or were cancelled start from the beginning, under their workflow ids, on the version of
   * whoever takes them: their steps run again, under other idempotency keys.
   */
  restart(choice: RunChoice, options?: ChangeOptions): Promise<RunChanges>;
  /**
   * Deletes runs that have ended, with their histories; `children` (true by default): and the runs that they have started.
   * A child stays while the run that started it has not ended.
   *
   * @throws {DeletionRefusedError} if the role of the database may not
   */
  delete(choice: RunChoice, options?: ChangeOptions & { readonly children?: boolean }): Promise<RunChanges>;
  /** Gives runs that wait in queues another priority: the lowest goes first. */
  setPriority(choice: RunChoice, priority: number, options?: ChangeOptions): Promise<RunChanges>;
  /** Sets when runs that wait in queues stand in line: so long from now, or a moment. */
  setDelay(choice: RunChoice, until: Duration | Date, options?: ChangeOptions): Promise<RunChanges>;
  /**
   * A new run with the history of another one up to a call: its steps, events, streams and received messages. From there on it
   * executes by itself; the source stays as it is.
   *
   * @throws {RunNotFoundError}
   * @throws {InvalidArgumentError} for a call that the source hasn't made
   * @throws {WorkflowConflictError} if the workflow id is that of another run
   *
   * @example
   * const { workflowId } = await perdure.runs.fork('order-42', { from: 'failed', version: { any: true } });
   * const receipt = await perdure.run(workflowId).result();
   */
  fork(workflowId: string, options?: ForkOptions): Promise<Fork>;
  /**
   * The same for many; of a filter, those that have failed or died. None is forked where one of them cannot be.
   *
   * @throws {RunNotFoundError}
   * @throws {InvalidArgumentError} for a call that one of them hasn't made
   */
  forkAll(choice: RunChoice, options?: Omit<ForkOptions, 'workflowId'> & ChangeOptions): Promise<Fork[]>;
  /**
   * Deletes runs that have ended, by age and by number, in small batches that nothing waits for.
   *
   * @throws {DeletionRefusedError} if the role of the database may not
   *
   * @example
   * await perdure.runs.prune([{ olderThan: '30d' }, { workflow: 'heartbeat', keep: 1_000 }]);
   */
  prune(rules: readonly RetentionRule[], options?: PruneOptions): Promise<Pruned>;
  /**
   * A run with its history and its children, as plain JSON. Whoever has that of a run that has not ended can complete its
   * tokens, whatever is left out.
   *
   * @throws {RunNotFoundError}
   */
  export(workflowId: string, options?: ExportOptions): Promise<RunArchive>;
  /**
   * Takes runs from an archive in, under their ids. Nothing is executed: what had not ended is cancelled here, and `resume`
   * lets it go on.
   *
   * @throws {InvalidArgumentError} for what is no archive, or one of a later version
   */
  import(archive: RunArchive): Promise<Imported>;
  /**
   * The trace of a run as its history tells it, in OTLP as JSON: for when the spans are gone, were never sampled, or no SDK was
   * registered. It is a trace of its own, the same each time, with a link to the original one.
   *
   * @throws {RunNotFoundError}
   *
   * @example
   * const trace = await perdure.runs.trace('order-42', { serviceName: 'shop' });
   * const headers = { 'content-type': 'application/json' };
   * await fetch('http://localhost:4318/v1/traces', { method: 'POST', headers, body: JSON.stringify(trace) });
   */
  trace(workflowId: string, options?: TraceOptions): Promise<OtlpTraces>;
}

export interface RunAdminOptions {
  readonly store: Store;
  readonly database: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly codec: Codec;
  readonly tracing: Tracing;
  /** Repeats a question while the database is away. */
  readonly ask: <T>(send: () => Promise<T>) => Promise<T>;
  readonly toInfo: (run: RunRecord) => RunInfo;
  /** @throws {RunNotFoundError} */
  readonly status: (workflowId: string) => Promise<RunInfo>;
  /** @throws {RunNotFoundError} */
  readonly cancel: (workflowId: string) => Promise<void>;
  /** @throws {QueueNotFoundError} */
  readonly ensureQueue: (queue: string) => Promise<void>;
  /** What is wrong with the writing of an executor, if it is this process'. */
  readonly problemsOf: (executorId: string) => readonly string[];
  /** There is more to take. */
  readonly onFreed: () => void;
}

/** The runs as one engine, or client, knows them. */
export class Runs implements RunAdmin {
  readonly #options: RunAdminOptions;
  readonly #listing: RunListing;
  readonly #changes: Changes;
  readonly #forks: Forks;
  readonly #retention: Retention;
  readonly #explanations: Explanations;
  readonly #archives: Archives;
  readonly #traces: Traces;

  constructor(options: RunAdminOptions) {
    this.#options = options;
    this.#listing = new RunListing(options);
    this.#changes = new Changes({ ...options, listing: this.#listing });
    this.#forks = new Forks({ ...options, onForked: options.onFreed });
    this.#retention = new Retention(options);
    this.#explanations = new Explanations(options);
    this.#archives = new Archives(options);
    this.#traces = new Traces(options);
  }

  async list(filter: RunFilter = {}, options: ListOptions = {}): Promise<RunPage> {
    return await this.#listing.list(filter, options);
  }

  async count(filter: RunFilter = {}, options: CountOptions = {}): Promise<readonly RunGroup[]> {
    return await this.#listing.count(filter, options);
  }

  async get(workflowId: string): Promise<RunDetails> {
    checkAskedId(workflowId);
    const { store, database, codec, ask, status } = this.#options;
    const info = await status(workflowId);
    const identity = await ask(() => store.runs.findIn(database, workflowId));
    const { outcomes } = await ask(() => store.runs.findOutcomes([workflowId]));
    const [outcome] = outcomes;
    return {
      ...info,
      input: readable(() => codec.decode(identity?.input ?? null)),
      ...(outcome?.kind === 'completed' && { result: readable(() => codec.decode(outcome.payload)) }),
      ...(outcome !== undefined &&
        outcome.kind !== 'completed' && { error: readable(() => codec.decodeError(outcome.payload ?? '')) }),
    };
  }

  async steps(
    workflowId: string,
    { after = -1, limit = 1_000 }: { readonly after?: number; readonly limit?: number } = {},
  ): Promise<RecordedStep[]> {
    checkAskedId(workflowId);
    const { store, codec, ask, status } = this.#options;
    const history = (await ask(() => store.runs.loadHistories([workflowId]))).get(workflowId) ?? [];
    if (history.length === 0) await status(workflowId);
    return recordedSteps(history, codec).slice(after + 1, after + 1 + limit);
  }

  async explain(workflowId: string): Promise<Explanation> {
    checkAskedId(workflowId);
    return await this.#explanations.explain(workflowId);
  }

  async setAttributes(workflowId: string, changes: AttributeChanges): Promise<void> {
    checkAskedId(workflowId);
    await this.#changes.setAttributes(workflowId, changes);
  }

  async cancel(choice: RunChoice, options: ChangeOptions = {}): Promise<RunChanges> {
    return await this.#changes.cancel(choice, options);
  }

  async resume(choice: RunChoice, options: ChangeOptions = {}): Promise<RunChanges> {
    return await this.#changes.resume(choice, options);
  }

  async restart(choice: RunChoice, options: ChangeOptions = {}): Promise<RunChanges> {
    return await this.#changes.restart(choice, options);
  }

  async delete(choice: RunChoice, options: ChangeOptions & { readonly children?: boolean } = {}): Promise<RunChanges> {
    return await this.#changes.delete(choice, { ...options, children: options.children ?? true });
  }

  async setPriority(choice: RunChoice, priority: number, options: ChangeOptions = {}): Promise<RunChanges> {
    return await this.#changes.setPriority(choice, priority, options);
  }

  async setDelay(choice: RunChoice, until: Duration | Date, options: ChangeOptions = {}): Promise<RunChanges> {
    return await this.#changes.setDelay(choice, until, options);
  }

  async fork(workflowId: string, options: ForkOptions = {}): Promise<Fork> {
    checkAskedId(workflowId);
    checkObject('The options of a fork', options);
    return await this.#forks.fork(workflowId, options);
  }

  async forkAll(
    choice: RunChoice,
    { limit = 1_000, onProgress = () => {}, ...options }: Omit<ForkOptions, 'workflowId'> & ChangeOptions = {},
  ): Promise<Fork[]> {
    const sourceIds = idsOf(choice) ?? (await this.#found(choice as RunFilter, limit));
    return await this.#forks.forkAll(sourceIds, options, onProgress);
  }

  async prune(rules: readonly RetentionRule[], options: PruneOptions = {}): Promise<Pruned> {
    return await this.#retention.prune(resolveRules(rules), options);
  }

  async export(workflowId: string, options: ExportOptions = {}): Promise<RunArchive> {
    checkAskedId(workflowId);
    return await this.#archives.export(workflowId, options);
  }

  async import(archive: RunArchive): Promise<Imported> {
    return await this.#archives.import(archive);
  }

  async trace(workflowId: string, options: TraceOptions = {}): Promise<OtlpTraces> {
    checkAskedId(workflowId);
    return await this.#traces.rebuild(workflowId, options);
  }

  /** Settled before the first fork, which may be one of those that the filter means. */
  async #found(filter: RunFilter, limit: number): Promise<readonly string[]> {
    const found: string[] = [];
    const failed = { ...checkNarrow(filter), status: filter.status ?? (['failed', 'dead'] as const) };
    for await (const page of this.#listing.each(failed, limit)) found.push(...page.map(({ workflowId }) => workflowId));
    return found;
  }
}
