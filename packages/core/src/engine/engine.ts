import { AsyncResource } from 'node:async_hooks';
import type { ErrorClass } from '../codec/codec.js';
import type { Database } from '../database/database.js';
import { EngineStoppedError, OverloadedError } from '../errors/errors.js';
import { deferred } from '../util/deferred.js';
import { sleepFor } from '../util/timers.js';
import { RetentionLoop } from '../management/retention-loop.js';
import type { Registry } from '../workflow/registry.js';
import type { Started } from '../workflow/run-starter.js';
import { anyVersion } from '../workflow/stand-in.js';
import { Desk } from './desk.js';
import type { ResolvedOptions } from './engine-options.js';
import { Executor } from './executor.js';
import { type Health, reason, statusOf, writeProblems } from './health.js';
import { observedEngine } from './observed-engine.js';
import { foundRun, type PreparedStart } from './starts.js';
import { StrandedWatch } from './stranded-runs.js';

/**
 * Executes runs behind a {@link Desk}. At any time it has one {@link Executor}; when that one loses its lease, a new one
 * with a new id takes its place.
 */
export class Engine {
  readonly desk: Desk;
  readonly #relaunch: () => Promise<void>;
  readonly #stranded: StrandedWatch;
  #executor: Executor | null = null; // null = between two executors, or not running
  #nextExecutor = deferred<Executor>();
  readonly #retention: RetentionLoop | null; // null = everything is kept
  #relaunching: Promise<void> | null = null; // null = not between two executors
  #isStopped = false;
  #stopObserving = (): void => {};

  constructor(database: Database, options: ResolvedOptions, registry: Registry, errorClasses: readonly ErrorClass[]) {
    // The lease is lost in the context of whoever notices, which may be a request.
    this.#relaunch = AsyncResource.bind(() => this.#relaunchUntilItSucceeds());
    this.desk = new Desk(database, options, registry, errorClasses, {
      start: (starting) => this.#start(starting),
      executorId: () => this.executorId,
      has: (workflowId) => this.#executor?.find(workflowId) != null,
      cancel: (workflowIds) => this.#executor?.cancel(workflowIds),
      wake: () => this.#executor?.wake(),
      sweep: () => this.#executor?.sweep(),
      problems: () => writeProblems(this.#executor?.healthReasons ?? []),
    });
    const { versions, deployGate } = this.desk;
    const { store } = this.desk.services;
    const { clock, random, logger, strandedMs: intervalMs } = options;
    this.#stranded = new StrandedWatch({
      clock,
      random,
      logger,
      intervalMs,
      find: async () => {
        await versions.refresh();
        return await store.versions.stranded(clock.sqlNow());
      },
      rescue: options.adoptsCompatible ? (runs, isStopped) => deployGate.adoptStranded(runs, isStopped) : null,
    });
    const rules = options.retention;
    this.#retention = rules.length === 0 ? null : new RetentionLoop({ ...options, store, rules });
  }

  get executorId(): string | null {
    return this.#executor?.id ?? null;
  }

  health(): Health {
    const executor = this.#executor;
    const reasons = executor?.healthReasons ?? [reason(this.#isStopped ? 'stopped' : 'no-executor')];
    if (!this.#isStopped && this.desk.services.hints.isDeaf) reasons.push(reason('notifications-missing'));
    const { problem } = this.#stranded;
    if (!this.#isStopped && problem !== null) reasons.push({ code: 'runs-stranded', ...problem });
    return {
      status: statusOf(reasons),
      reasons,
      executorId: this.executorId,
      runs: executor?.runCount ?? 0,
      backlogBytes: executor?.backlogBytes ?? 0,
    };
  }

  async launch(): Promise<void> {
    await this.desk.checkSchema();
    await this.desk.queues.tryToDeclare();
    await this.desk.versions.refresh();
    await this.#launchExecutor();
    // Whoever launched this may promote its versions at once. What goes wrong here is made good before each claim.
    if (this.executorId !== null) await this.desk.versions.serve(this.executorId).catch(() => {});
    await this.desk.listen();
    this.desk.scheduler.start();
    this.desk.watchers.start();
    const { services, pools } = this.desk;
    this.#stopObserving = services.metrics.observe(
      observedEngine(services, pools, { executorId: () => this.executorId, runs: () => this.#executor?.runs ?? [] }),
    );
    this.#stranded.start();
    this.#retention?.start();
  }

  /** Hands all runs over to other processes; see {@link Executor.handOver}. */
  async shutdown(drainMs: number): Promise<void> {
    this.#close();
    // An executor that is just being registered would otherwise go on without its engine.
    await this.#relaunching;
    try {
      await this.#executor?.handOver(drainMs);
    } catch (error) {
      const { logger } = this.desk.services;
      logger.warn({ err: error }, 'the hand-over failed; other processes take the runs when the lease ends');
    }
    await this.#stop();
  }

  /** Stops dead, as if the process had been killed, for tests. */
  async crash(): Promise<void> {
    this.#close();
    await this.#relaunching;
    await this.#executor?.crash();
    await this.#stop();
  }

  async #start(starting: PreparedStart): Promise<Started> {
    for (;;) {
      const executor = await this.#currentExecutor();
      if (executor.isBacklogFull) throw new OverloadedError(executor.backlogBytes);
      const started = await executor.unlessGone(() => this.#startOn(executor, starting));
      if (started !== null) return started;
    }
  }

  async #startOn(executor: Executor, starting: PreparedStart): Promise<Started> {
    const { codec, hints } = this.desk.services;
    const { definition, run, queueing, span } = starting;
    if (definition.version === anyVersion) return await this.desk.submit(starting);
    const { workflowId } = run;
    const active = executor.find(workflowId);
    if (active !== null) return foundRun(active, run, codec);
    if (queueing?.deduplication != null) return await this.desk.enqueueUnique(starting, queueing);
    const verdict = await (queueing === null
      ? // What hangs on the span of the start must not leave before it.
        executor.start(definition, run, () => span?.started({ isNew: true }))
      : executor.enqueue({ ...run, ...queueing.item, timeoutMs: starting.queuedTimeoutMs }));
    if (verdict.kind === 'refused') throw verdict.error;
    if (verdict.kind === 'taken') return await this.desk.find(run);
    if (queueing !== null) hints.send({ type: 'work' });
    return { workflowId, isNew: true };
  }

  async #launchExecutor(): Promise<void> {
    const executor: Executor = new Executor(this.desk.services, {
      onSettled: (outcome) => this.desk.settled(outcome),
      onPublished: (workflowId) => this.desk.published(workflowId),
      onReleased: (workflowIds) => this.desk.released(workflowIds),
      onWatching: (workflowIds) => this.desk.watchers.watch(workflowIds),
      onGone: () => {
        this.#executor = null;
        this.#nextExecutor = deferred<Executor>();
        if (!this.#isStopped) this.#relaunching = this.#relaunch().finally(() => (this.#relaunching = null));
      },
      beforeClaim: async () => {
        await this.desk.queues.declare();
        await this.desk.versions.serve(executor.id);
      },
      cancelChildren: (workflowId) => this.desk.cancelChildren(workflowId),
      // Bound to its executor, so that nothing happens once that one has lost the run.
      starterFor: (owner) =>
        this.desk.starterFor({
          executorId: owner.id,
          start: (child) => this.#startOn(owner, child),
          hearOfCancellations: () => owner.hearOfCancellations(),
        }),
    });
    await executor.launch();
    this.#executor = executor;
    this.#nextExecutor.resolve(executor);
  }

  /** Goes on until it succeeds, whatever the error: without an executor this engine is of no use to anybody. */
  async #relaunchUntilItSucceeds(): Promise<void> {
    const { logger, clock } = this.desk.services;
    while (!this.#isStopped) {
      try {
        await this.#launchExecutor();
        return;
      } catch (error) {
        logger.error({ err: error }, 'no new executor could be registered; trying again');
        await sleepFor(clock, relaunchPauseMs);
      }
    }
  }

  async #currentExecutor(): Promise<Executor> {
    if (this.#isStopped) throw new EngineStoppedError(null);
    return this.#executor ?? (await this.#nextExecutor.promise);
  }

  #close(): void {
    this.#isStopped = true;
    this.#stopObserving();
    this.desk.close();
  }

  async #stop(): Promise<void> {
    await this.#retention?.stop();
    this.#nextExecutor.promise.catch(() => {});
    this.#nextExecutor.reject(new EngineStoppedError(null));
    await this.#stranded.stop();
    await this.desk.stop();
  }
}

const relaunchPauseMs = 1_000;
