import { createCodec } from '../codec/codec.js';
import type { Database, TransactionClient } from '../database/database.js';
import { CancelledError, EngineStoppedError, OverloadedError, RunNotFoundError } from '../errors/errors.js';
import { noNotifications } from '../store/notifications.js';
import { createStore } from '../store/store.js';
import type { RunRecord } from '../store/records.js';
import { migrate, verifySchema } from '../store/migrate.js';
import type { DataSource } from '../step/data-source.js';
import type { Registry } from '../workflow/registry.js';
import { processState } from '../workflow/process-state.js';
import type { MessageToSend, RunInfo, RunStarter, StartRequest, TokenCompletion } from '../workflow/run-starter.js';
import type { ErrorClass } from '../codec/codec.js';
import { deferred } from '../util/deferred.js';
import { sleepFor } from '../util/timers.js';
import { Correspondence } from './correspondence.js';
import { engineDataSource } from './data-source.js';
import { enqueueIn } from './enqueue.js';
import type { EventAnswer, EventQuestion } from '../store/events.js';
import { Executor } from './executor.js';
import type { ResolvedOptions } from './engine-options.js';
import type { EngineServices } from './engine-services.js';
import { type Health, reason, statusOf } from './health.js';
import { Hints } from './hints.js';
import { EngineMailbox } from './mailbox.js';
import { retryWhileUnavailable } from './retry-while-unavailable.js';
import { RunResults } from './run-results.js';
import type { Queueing } from './queueing.js';
import { Queues } from './queues.js';
import type { Scheduler } from './scheduler.js';
import { createScheduling } from './scheduling.js';
import type { Schedules } from './schedules.js';
import { checkSameRun, type PreparedStart, prepareStart } from './starts.js';

/**
 * Wires the parts of an engine, and answers for runs. At any time it has one {@link Executor}; when that one loses its
 * lease, a new one with a new id takes its place.
 */
export class Engine implements RunStarter {
  readonly dataSource: DataSource;
  readonly #database: Database;
  readonly #services: EngineServices;
  readonly #results: RunResults;
  readonly #correspondence: Correspondence;
  readonly queues: Queues;
  readonly schedules: Schedules;
  readonly #scheduler: Scheduler;
  #executor: Executor | null = null; // null = between two executors, or not running
  #nextExecutor = deferred<Executor>();
  #relaunching: Promise<void> | null = null; // null = not between two executors
  #isStopped = false;

  constructor(database: Database, options: ResolvedOptions, registry: Registry, errorClasses: readonly ErrorClass[]) {
    const { clock, random, logger } = options;
    const store = createStore(database, options.schema);
    const hints = new Hints(options.notifications ? store.notifications : noNotifications, clock, logger);
    const codec = createCodec({
      errorClasses: [...errorClasses, ...registry.all().flatMap((definition) => definition.errorClasses)],
      maxBytes: options.payloadBytesMax,
    });
    const { contexts } = processState();
    this.#database = database;
    this.dataSource = engineDataSource(database, store.transactions, random, null);
    this.queues = new Queues({
      database,
      store: store.queues,
      definitions: () => processState().queues.values(),
      ask: (send) => this.#ask(send),
      onChange: () => this.#announceWork(),
    });
    const mailbox = new EngineMailbox({
      messages: store.messages,
      clock,
      random,
      logger,
      pollMs: options.resultPollMs,
    });
    this.#services = { mailbox, store, clock, random, logger, codec, contexts, registry, hints, options };
    this.#correspondence = new Correspondence(this.#services, database, (id) => this.#executor?.find(id) != null);
    const scheduling = createScheduling({
      services: this.#services,
      database,
      ask: (send) => this.#ask(send),
      start: (request) => this.start(request),
      cancel: (workflowId) => this.cancel(workflowId),
      onFired: () => this.#announceWork(),
    });
    this.schedules = scheduling.schedules;
    this.#scheduler = scheduling.scheduler;
    this.#results = new RunResults({
      runs: store.runs,
      clock,
      random,
      logger,
      pollMs: options.resultPollMs,
      askOthers: (ids) => hints.send({ type: 'wanted', ids }),
    });
  }

  get executorId(): string | null {
    return this.#executor?.id ?? null;
  }

  health(): Health {
    const executor = this.#executor;
    const reasons = executor?.healthReasons ?? [reason(this.#isStopped ? 'stopped' : 'no-executor')];
    if (!this.#isStopped && this.#services.hints.isDeaf) reasons.push(reason('notifications-missing'));
    return {
      status: statusOf(reasons),
      reasons,
      executorId: this.executorId,
      runs: executor?.runCount ?? 0,
      backlogBytes: executor?.backlogBytes ?? 0,
    };
  }

  async launch(): Promise<void> {
    const { options, hints } = this.#services;
    if (options.migrate) await migrate(this.#database, options.schema);
    else await verifySchema(this.#database, options.schema);
    await this.queues.declare();
    await this.#launchExecutor();
    await hints.listen({
      onWork: () => this.#executor?.wake(),
      onCancel: () => this.#executor?.sweep(),
      onFinished: (workflowIds) => {
        this.#results.look(workflowIds);
        this.#correspondence.look(workflowIds);
      },
      onEvents: (workflowIds) => this.#correspondence.look(workflowIds),
      onSchedules: () => this.#scheduler.wake(),
      onMessages: (workflowIds) => this.#services.mailbox.arrived(workflowIds),
      onGap: () => {
        this.#executor?.sweep();
        this.#scheduler.wake();
      },
    });
    this.#scheduler.start();
  }

  /** Hands all runs over to other processes; see {@link Executor.handOver}. */
  async shutdown(drainMs: number): Promise<void> {
    this.#isStopped = true;
    this.#correspondence.close();
    // An executor that is just being registered would otherwise go on without its engine.
    await this.#relaunching;
    try {
      await this.#executor?.handOver(drainMs);
    } catch (error) {
      this.#services.logger.warn(
        { err: error },
        'the hand-over failed; other processes take the runs when the lease ends',
      );
    }
    await this.#stop();
  }

  /** Stops dead, as if the process had been killed, for tests. */
  async crash(): Promise<void> {
    this.#isStopped = true;
    this.#correspondence.close();
    await this.#relaunching;
    await this.#executor?.crash();
    await this.#stop();
  }

  async start(request: StartRequest): Promise<string> {
    const starting = await this.#prepare(request);
    if (request.transaction !== null) return await this.#startIn(request.transaction, starting);
    for (;;) {
      const executor = await this.#currentExecutor();
      if (executor.isBacklogFull) throw new OverloadedError(executor.backlogBytes);
      const workflowId = await Promise.race([
        this.#startOn(executor, request, starting),
        executor.gone.then(() => null),
      ]);
      if (workflowId !== null) return workflowId;
    }
  }

  /** The run waits to be claimed: whether it exists is known when the transaction has committed, and only to Postgres. */
  async #startIn(transaction: TransactionClient, { run, queueing, queuedTimeoutMs }: PreparedStart): Promise<string> {
    const { store, clock, codec, hints } = this.#services;
    const tx = this.#database.through(transaction);
    if (queueing !== null) {
      await this.queues.ensureIn(tx, queueing.item.queue);
      const queued = { ...run, ...queueing.item, timeoutMs: queuedTimeoutMs };
      const workflowId = await enqueueIn(tx, queued, queueing.deduplication, this.#services);
      await hints.sendIn(tx, { type: 'work' });
      return workflowId;
    }
    const existing = await store.runs.insertAvailable(tx, run, clock.sqlNow());
    if (existing === null) await hints.sendIn(tx, { type: 'work' });
    else checkSameRun(existing, run, codec);
    return run.workflowId;
  }

  async #prepare(request: StartRequest): Promise<PreparedStart> {
    const starting = await prepareStart(request, this.#services);
    if (starting.queueing !== null && request.transaction === null) {
      await this.queues.ensure(starting.queueing.item.queue);
    }
    return starting;
  }

  #announceWork(): void {
    this.#executor?.wake();
    this.#services.hints.send({ type: 'work' });
  }

  async outcome(workflowId: string): Promise<{ payload: string | null; failed: boolean }> {
    if (this.#isStopped) throw new EngineStoppedError(workflowId);
    return await this.#awaitOutcome(workflowId);
  }

  async #awaitOutcome(workflowId: string): Promise<{ payload: string | null; failed: boolean }> {
    const isLocal = this.#executor?.find(workflowId) != null;
    const outcome = await this.#results.wait(workflowId, isLocal);
    return { payload: outcome.payload, failed: outcome.kind !== 'completed' };
  }

  async status(workflowId: string): Promise<RunInfo> {
    const record = await this.#ask(() => this.#services.store.runs.find(workflowId));
    if (record === null) throw new RunNotFoundError(workflowId);
    return toRunInfo(record);
  }

  async cancel(workflowId: string): Promise<void> {
    const { store, codec, clock, hints } = this.#services;
    const cancelledPayload = codec.encodeError(new CancelledError(workflowId));
    const verdicts = await this.#ask(() =>
      store.runs.requestCancel({ workflowId, cancelledPayload, now: clock.sqlNow() }),
    );
    if (verdicts.length === 0) await this.status(workflowId);
    const workflowIds = verdicts.map((verdict) => verdict.workflowId);
    this.#executor?.cancel(workflowIds);
    this.#results.look(workflowIds);
    const owners = new Set(verdicts.map((verdict) => verdict.executorId));
    if ([...owners].some((owner) => owner !== null && owner !== this.executorId)) hints.send({ type: 'cancel' });
    const settled = verdicts.filter((verdict) => verdict.executorId === null);
    if (settled.length > 0) hints.send({ type: 'finished', ids: settled.map((verdict) => verdict.workflowId) });
  }

  async event(question: EventQuestion, signal: AbortSignal): Promise<EventAnswer> {
    return await this.#correspondence.event(question, signal);
  }

  async send(message: MessageToSend): Promise<void> {
    await this.#correspondence.send(message);
  }

  async complete(completion: TokenCompletion): Promise<void> {
    await this.#correspondence.complete(completion);
  }

  decode(payload: string | null): unknown {
    return this.#services.codec.decode(payload);
  }

  decodeError(payload: string): unknown {
    return this.#services.codec.decodeError(payload);
  }

  async #startOn(executor: Executor, request: StartRequest, starting: PreparedStart): Promise<string> {
    const { codec, store } = this.#services;
    const { run, queueing } = starting;
    const { workflowId } = run;
    const active = executor.find(workflowId);
    if (active !== null) {
      checkSameRun(active, run, codec);
      return workflowId;
    }
    if (queueing?.deduplication != null) return await this.#enqueueUnique(starting, queueing);
    const verdict = await (queueing === null
      ? executor.start(request.definition, run)
      : executor.enqueue({ ...run, ...queueing.item, timeoutMs: starting.queuedTimeoutMs }));
    if (verdict.kind === 'refused') throw verdict.error;
    if (verdict.kind === 'taken') {
      const existing = await this.#ask(() => store.runs.find(workflowId));
      if (existing === null) throw new RunNotFoundError(workflowId);
      checkSameRun(existing, run, codec);
    } else if (queueing !== null) this.#services.hints.send({ type: 'work' });
    return workflowId;
  }

  async #enqueueUnique({ run, queuedTimeoutMs }: PreparedStart, queueing: Queueing): Promise<string> {
    const queued = { ...run, ...queueing.item, timeoutMs: queuedTimeoutMs };
    const workflowId = await this.#ask(() => enqueueIn(this.#database, queued, queueing.deduplication, this.#services));
    this.#announceWork();
    return workflowId;
  }

  /** What runs on one executor start children with: bound to it, so that nothing happens once it has lost them. */
  #starterFor(executor: Executor): RunStarter {
    const { store, random } = this.#services;
    return {
      dataSource: engineDataSource(this.#database, store.transactions, random, executor.id),
      start: async (request) => {
        const starting = await this.#prepare(request);
        return request.transaction === null
          ? await this.#startOn(executor, request, starting)
          : await this.#startIn(request.transaction, starting);
      },
      // Also while the engine is stopping: that it is must not become an error in a run that is still here.
      outcome: (workflowId) => this.#awaitOutcome(workflowId),
      status: (workflowId) => this.status(workflowId),
      cancel: (workflowId) => this.cancel(workflowId),
      ...this.#correspondence.inside,
      decode: (payload) => this.decode(payload),
      decodeError: (payload) => this.decodeError(payload),
    };
  }

  async #launchExecutor(): Promise<void> {
    const executor: Executor = new Executor(this.#services, {
      onSettled: (outcome) => {
        this.#results.settled(outcome);
        this.#correspondence.look([outcome.workflowId]);
        this.#services.hints.finished(outcome.workflowId);
      },
      onEvent: (workflowId) => {
        this.#correspondence.look([workflowId]);
        this.#services.hints.eventSet(workflowId);
      },
      onReleased: (workflowIds) => this.#results.look(workflowIds),
      onGone: () => {
        this.#executor = null;
        this.#nextExecutor = deferred<Executor>();
        if (!this.#isStopped) this.#relaunching = this.#relaunch().finally(() => (this.#relaunching = null));
      },
      beforeClaim: () => this.queues.declare(),
      starterFor: (owner) => this.#starterFor(owner),
    });
    await executor.launch();
    this.#executor = executor;
    this.#nextExecutor.resolve(executor);
  }

  /** Goes on until it succeeds, whatever the error: without an executor this engine is of no use to anybody. */
  async #relaunch(): Promise<void> {
    while (!this.#isStopped) {
      try {
        await this.#launchExecutor();
        return;
      } catch (error) {
        this.#services.logger.error({ err: error }, 'no new executor could be registered; trying again');
        await sleepFor(this.#services.clock, relaunchPauseMs);
      }
    }
  }

  async #currentExecutor(): Promise<Executor> {
    if (this.#isStopped) throw new EngineStoppedError(null);
    return this.#executor ?? (await this.#nextExecutor.promise);
  }

  #ask<T>(send: () => Promise<T>): Promise<T> {
    return retryWhileUnavailable(this.#services, () => this.#isStopped, send);
  }

  async #stop(): Promise<void> {
    this.#nextExecutor.promise.catch(() => {});
    this.#nextExecutor.reject(new EngineStoppedError(null));
    await this.#scheduler.stop();
    await this.#correspondence.stop();
    await this.#services.mailbox.stop();
    await this.#results.stop(new EngineStoppedError(null));
    await this.#services.hints.stop();
  }
}

const relaunchPauseMs = 1_000;

function toRunInfo(record: RunRecord): RunInfo {
  const { input: _, ...info } = record;
  return info;
}
