import type { ErrorClass } from '../codec/codec.js';
import type { ConnectionPool, Database, TransactionClient } from '../database/database.js';
import { EngineStoppedError, RunNotFoundError } from '../errors/errors.js';
import type { Logger } from '../seams/logger.js';
import type { DataSource } from '../step/data-source.js';
import type { EventAnswer, EventQuestion } from '../store/events.js';
import type { StreamAnswer, StreamQuestion } from '../store/streams.js';
import { migrate, verifySchema } from '../store/migrate.js';
import type { Outcome } from '../store/records.js';
import { Interruptible } from '../util/interruptible.js';
import type { StartKind } from '../tracing/traced-run.js';
import type { Captured } from '../workflow/carriers.js';
import type { Registry } from '../workflow/registry.js';
import { anyVersion } from '../workflow/stand-in.js';
import type {
  CallingRun,
  EncodedOutcome,
  MessageToSend,
  RunInfo,
  RunStarter,
  Started,
  StartRequest,
  TokenCompletion,
} from '../workflow/run-starter.js';
import type { Cancellations } from './cancellations.js';
import type { Correspondence } from './correspondence.js';
import { engineDataSource } from './data-source.js';
import { deskParts } from './desk-parts.js';
import type { ResolvedOptions } from './engine-options.js';
import type { EngineServices } from './engine-services.js';
import { enqueueIn } from './enqueue.js';
import { heedingCancellations } from './heeding-cancellations.js';
import type { Queueing } from './queueing.js';
import type { Queues } from './queues.js';
import { retryWhileUnavailable } from './retry-while-unavailable.js';
import type { ParkedWatchers } from './parked-watchers.js';
import { toRunInfo } from './run-info.js';
import type { RunResults } from './run-results.js';
import type { Runner } from './runner.js';
import type { Scheduler } from './scheduler.js';
import type { DeployGate } from './deploy-gate.js';
import type { Schedules } from './schedules.js';
import type { Runs } from '../management/run-admin.js';
import type { Submissions } from './submissions.js';
import type { StartingRun } from './first-claim.js';
import { startInTransaction } from './start-in-transaction.js';
import { carryOut, foundRun, type PreparedStart, prepareStart } from './starts.js';
import type { Versions } from './versions.js';

/**
 * Takes in starts, and answers for runs wherever they execute: all that whoever is not a run itself asks of this library.
 * Whether runs execute behind it is its {@link Runner}'s affair.
 */
export class Desk implements RunStarter {
  readonly outside = this;
  readonly services: EngineServices;
  readonly queues: Queues;
  readonly runs: Runs;
  readonly schedules: Schedules;
  readonly scheduler: Scheduler;
  readonly versions: Versions;
  readonly deployGate: DeployGate;
  readonly dataSource: DataSource;
  readonly watchers: ParkedWatchers;
  readonly pools: readonly ConnectionPool[];
  readonly runLogger: Logger;
  readonly #database: Database;
  readonly #runner: Runner;
  readonly #results: RunResults;
  readonly #submissions: Submissions;
  readonly #starts = new Interruptible();
  readonly #correspondence: Correspondence;
  readonly #cancellations: Cancellations;
  #isClosed = false;

  constructor(
    given: Database,
    options: ResolvedOptions,
    registry: Registry,
    errorClasses: readonly ErrorClass[],
    runner: Runner,
  ) {
    const parts = deskParts({ given, options, registry, errorClasses, runner }, this);
    const { services, database } = parts;
    this.services = services;
    this.pools = database.pools;
    this.runLogger = options.runLogger;
    this.#database = database;
    this.#runner = runner;
    this.dataSource = engineDataSource(database, services.store.transactions, services.random, null);
    this.queues = parts.queues;
    this.versions = parts.versions;
    this.deployGate = parts.deployGate;
    this.runs = parts.runs;
    this.schedules = parts.schedules;
    this.scheduler = parts.scheduler;
    this.#submissions = parts.submissions;
    this.#correspondence = parts.correspondence;
    this.#results = parts.results;
    this.#cancellations = parts.cancellations;
    this.watchers = parts.watchers;
  }

  /** @throws {SchemaMissingError} | {@link SchemaTooNewError} if the schema doesn't fit and may not be changed */
  async checkSchema(): Promise<void> {
    const { migrate: mayMigrate, schema } = this.services.options;
    if (mayMigrate) await migrate(this.#database, schema);
    else await verifySchema(this.#database, schema);
  }

  async listen(): Promise<void> {
    await this.services.hints.listen({
      onWork: () => this.#runner.wake(),
      onCancel: () => this.#runner.sweep(),
      onFinished: (workflowIds) => this.#look(workflowIds),
      onEvents: (workflowIds) => this.#heardOf(workflowIds),
      onSchedules: () => this.scheduler.wake(),
      onVersions: () => this.versions.heardOfChange(),
      onMessages: (workflowIds) => this.services.mailbox.arrived(workflowIds),
      onGap: () => {
        this.#runner.sweep();
        this.scheduler.wake();
        this.watchers.lookAtAll();
      },
    });
  }

  /** From now on, nobody outside is served. */
  close(): void {
    this.#isClosed = true;
    this.#correspondence.close();
  }

  async stop(): Promise<void> {
    this.close();
    await this.scheduler.stop();
    await this.watchers.stop();
    this.#submissions.stop();
    this.#starts.interrupt();
    await this.#correspondence.stop();
    await this.services.mailbox.stop();
    await this.#results.stop(new EngineStoppedError(null));
    await this.services.hints.stop();
    this.services.tracing.stop(new EngineStoppedError(null));
  }

  capture(kind: StartKind, within: CallingRun | null): Captured {
    const { carriers, tracing } = this.services;
    return { carried: carriers.capture(within?.carried ?? null), trace: tracing.capture(kind, within) };
  }

  async start(request: StartRequest): Promise<Started> {
    if (this.#isClosed) throw new EngineStoppedError(null);
    const starting = await this.prepare(request);
    const { transaction } = request;
    return await carryOut(starting, this.services.metrics, () =>
      transaction === null
        ? this.#starts.wait(
            () => this.#runner.start(starting),
            () => new EngineStoppedError(null),
          )
        : this.#startIn(transaction, starting),
    );
  }

  async prepare(request: StartRequest): Promise<PreparedStart> {
    const { definition } = request;
    const known = definition.version === anyVersion ? this.versions.forNewWork(definition.name) : null;
    const starting = await prepareStart(
      { ...request, definition: known ?? definition },
      this.services,
      this.#runner.executorId(),
    );
    if (starting.queueing !== null && request.transaction === null) {
      await this.queues.ensure(starting.queueing.item.queue).catch((error: unknown) => {
        starting.span?.failed(error);
        throw error;
      });
    }
    return starting;
  }

  /** The run that has the id of one that is being started. */
  async find(run: StartingRun): Promise<Started> {
    const { store, codec } = this.services;
    return foundRun(await this.ask(() => store.runs.findIn(this.#database, run.workflowId)), run, codec);
  }

  /** Makes a run durable that any process may execute. */
  async submit(starting: PreparedStart): Promise<Started> {
    const { queueing } = starting;
    if (queueing?.deduplication != null) return await this.enqueueUnique(starting, queueing);
    const started = await this.#submissions.submit(starting);
    this.#runner.wake();
    return started;
  }

  /** Enqueues where another run may stand for this one. */
  async enqueueUnique({ run, queuedTimeoutMs }: PreparedStart, queueing: Queueing): Promise<Started> {
    const queued = { ...run, ...queueing.item, timeoutMs: queuedTimeoutMs };
    const started = await this.ask(() => enqueueIn(this.#database, queued, queueing.deduplication, this.services));
    this.announceWork();
    return started;
  }

  async outcome(workflowId: string, signal: AbortSignal | null): Promise<EncodedOutcome> {
    if (this.#isClosed) throw new EngineStoppedError(workflowId);
    return encoded(await this.#awaitOutcome(workflowId, signal));
  }

  async status(workflowId: string): Promise<RunInfo> {
    const record = await this.ask(() => this.services.store.runs.find(workflowId));
    if (record === null) throw new RunNotFoundError(workflowId);
    return toRunInfo(record, this.services.carriers);
  }

  async cancel(workflowId: string): Promise<void> {
    await this.#cancellations.cancel(workflowId);
  }

  /** Asks the attached children of a run to stop. */
  async cancelChildren(workflowId: string): Promise<void> {
    await this.#cancellations.cancelChildren(workflowId);
  }

  async event(question: EventQuestion, signal: AbortSignal): Promise<EventAnswer> {
    return await this.#correspondence.event(question, signal);
  }

  async stream(question: StreamQuestion, signal: AbortSignal): Promise<StreamAnswer> {
    return await this.#correspondence.stream(question, signal);
  }

  async send(message: MessageToSend): Promise<void> {
    await this.#correspondence.send(message);
  }

  async complete(completion: TokenCompletion): Promise<void> {
    await this.#correspondence.complete(completion);
  }

  decode(payload: string | null): unknown {
    return this.services.codec.decode(payload);
  }

  decodeError(payload: string): unknown {
    return this.services.codec.decodeError(payload);
  }

  /**
   * What the runs of one executor ask with: also while the desk is closing, which must not become an error in a run that is
   * still here.
   */
  starterFor({ executorId, start, hearOfCancellations }: OwningExecutor): RunStarter {
    const { store, random, metrics } = this.services;
    const { outcome, ...correspondence } = heedingCancellations(
      { ...this.#correspondence.inside, outcome: (workflowId, signal) => this.#awaitOutcome(workflowId, signal) },
      () => this.ask(hearOfCancellations),
    );
    return {
      outside: this,
      dataSource: engineDataSource(this.#database, store.transactions, random, executorId),
      runLogger: this.runLogger,
      capture: (kind, within) => this.capture(kind, within),
      start: async (request) => {
        const starting = await this.prepare(request);
        const { transaction } = request;
        return await carryOut(starting, metrics, () =>
          transaction === null ? start(starting) : this.#startIn(transaction, starting),
        );
      },
      outcome: async (workflowId, signal) => encoded(await outcome(workflowId, signal)),
      status: (workflowId) => this.status(workflowId),
      cancel: (workflowId) => this.cancel(workflowId),
      ...correspondence,
      decode: (payload) => this.decode(payload),
      decodeError: (payload) => this.decodeError(payload),
    };
  }

  /** This process settled a run. */
  settled(outcome: Outcome): void {
    this.services.tracing.settled(outcome.workflowId);
    this.#results.settled(outcome);
    this.#heardOf([outcome.workflowId]);
    this.services.hints.finished(outcome.workflowId);
  }

  /** A run of this process has set an event, or written to a stream. */
  published(workflowId: string): void {
    this.#heardOf([workflowId]);
    this.services.hints.published(workflowId);
  }

  /** These runs go on elsewhere, if at all. */
  released(workflowIds: readonly string[]): void {
    this.#results.look(workflowIds);
  }

  announceWork(): void {
    this.#runner.wake();
    this.services.hints.send({ type: 'work' });
  }

  /** Repeats a question while the database is away. */
  ask<T>(send: () => Promise<T>): Promise<T> {
    return retryWhileUnavailable(this.services, () => this.#isClosed, send);
  }

  #startIn(transaction: TransactionClient, starting: PreparedStart): Promise<Started> {
    const tx = this.#database.through(transaction);
    return startInTransaction(tx, starting, this.services, (within, queue) => this.queues.ensureIn(within, queue));
  }

  #look(workflowIds: readonly string[]): void {
    this.#results.look(workflowIds);
    this.#heardOf(workflowIds);
  }

  /** Something was published in these runs, or they have ended. */
  #heardOf(workflowIds: readonly string[]): void {
    this.#correspondence.look(workflowIds);
    this.watchers.look(workflowIds);
  }

  async #awaitOutcome(workflowId: string, signal: AbortSignal | null): Promise<Outcome> {
    const outcome = await this.#results.wait(workflowId, { isLocal: this.#runner.has(workflowId), signal });
    this.services.tracing.settled(workflowId);
    return outcome;
  }
}

const encoded = ({ kind, payload }: Outcome): EncodedOutcome => ({ payload, failed: kind !== 'completed' });

/** What the runs of an executor ask it. */
export interface OwningExecutor {
  readonly executorId: string;
  /** Makes a child durable on it. */
  readonly start: (starting: PreparedStart) => Promise<Started>;
  /** Tells its runs that they are cancelled, where they are. */
  readonly hearOfCancellations: () => Promise<void>;
}
