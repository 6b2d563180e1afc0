import type { EpochMs } from '../seams/clock.js';
import { CheckpointLog, type LogVerdict } from '../checkpoint-log/checkpoint-log.js';
import { publisherOf } from '../checkpoint-log/publisher.js';
import { Lease } from '../recovery/lease.js';
import { recoverRuns, releaseRuns } from '../recovery/recovery.js';
import { Suspects } from '../recovery/suspects.js';
import type { Checkpoint, ClaimedRun, Outcome } from '../store/records.js';
import type { QueuedRun } from '../store/queue-items.js';
import { deferred } from '../util/deferred.js';
import { Interruptible } from '../util/interruptible.js';
import { Loop } from '../util/loop.js';
import type { WorkflowDefinition } from '../workflow/definition.js';
import { RunExecution } from '../workflow/run-execution.js';
import type { RunServices } from '../workflow/run-services.js';
import type { RunStarter } from '../workflow/run-starter.js';
import { Claims } from './claims.js';
import { firstClaim, type StartingRun } from './first-claim.js';
import { RunParking } from './parking.js';
import type { EngineServices } from './engine-services.js';
import { type HealthReason, reason } from './health.js';
import { retryBriefly } from './retry-while-unavailable.js';
import { setAside } from './set-aside.js';

/** How long a process that leaves goes on trying to say so. */
const farewellMs = 2_000;

export interface ExecutorCallbacks {
  /** A run's outcome is durable. */
  readonly onSettled: (outcome: Outcome) => void;
  /** A run has set an event, or written to a stream. */
  readonly onPublished: (workflowId: string) => void;
  /** These runs go on elsewhere, if at all. */
  readonly onReleased: (workflowIds: readonly string[]) => void;
  /** Parked runs wait for events of these runs. */
  readonly onWatching: (workflowIds: readonly string[]) => void;
  /** The lease was revoked, or everything was handed over. */
  readonly onGone: () => void;
  /** Called before each claim. */
  readonly beforeClaim: () => Promise<void>;
  /** What the runs on this executor start other runs with. */
  readonly starterFor: (executor: Executor) => RunStarter;
}

/**
 * One engine's presence in the database: an id, a lease, a log, and the runs that it owns. States:
 * - *running*: claims, executes, recovers.
 * - *draining*: claims nothing and lets no side effect begin, while those under way end.
 * - *gone*: for good, after a hand-over or because the lease was revoked. Nothing that was in flight settles any more.
 */
export class Executor {
  readonly id: string;
  readonly #services: EngineServices;
  readonly #callbacks: ExecutorCallbacks;
  readonly #log: CheckpointLog;
  readonly #lease: Lease;
  readonly #claims: Claims;
  readonly #parking: RunParking | null; // null = nothing is parked
  readonly #sweeps: Loop;
  readonly #suspects: Suspects;
  readonly #runServices: RunServices<RunExecution>; // one for all, of which there may be many
  readonly #runs = new Map<string, RunExecution>();
  readonly #waits = new Interruptible();
  #isDraining = false;
  #isGone = false;

  constructor(services: EngineServices, callbacks: ExecutorCallbacks) {
    const { store, clock, random, logger, options } = services;
    this.id = random.uuid();
    this.#services = services;
    this.#callbacks = callbacks;
    const onRevoked = (): void => this.#revoked();
    this.#suspects = new Suspects(clock, options.leaseMs, {
      onAcquitted: ({ workflowId, claimNo }) => void this.#acquit(workflowId, claimNo),
      onFree: () => this.#claims.wake(),
    });
    const { afterFlush, flushItemsMax } = options;
    const { metrics } = services;
    this.#log = new CheckpointLog({
      executorId: this.id,
      flush: store.flush,
      clock,
      metrics,
      logger,
      afterFlush,
      flushItemsMax,
      onWoken: () => this.#announceWork(),
      onRevoked,
    });
    this.#claims = new Claims(services, this.id, callbacks.beforeClaim, {
      isRunning: ({ workflowId, claimNo }) => this.#runs.get(workflowId)?.run.claimNo === claimNo,
      suspectsRunning: () => this.#suspects.count,
      runsRunning: () => this.#runs.size,
      hasRoom: () => !this.isBacklogFull,
      execute: (definition, run, history) => this.#execute(definition, run, history),
    });
    this.#parking =
      options.parkMs === null
        ? null
        : new RunParking({
            executorId: this.id,
            parking: store.parking,
            clock,
            random,
            logger,
            parkMs: options.parkMs,
            isCrowded: () => this.#runs.size >= options.runsMax,
            runs: () => this.#runs.values(),
            has: (workflowId) => this.#runs.has(workflowId),
            onParked: (executions, wakeAt) => this.#parked(executions, wakeAt),
            onWatching: callbacks.onWatching,
            onKept: (executions) => this.#kept(executions),
          });
    this.#lease = new Lease({
      executorId: this.id,
      label: options.label,
      metrics,
      leaseMs: options.leaseMs,
      executors: store.executors,
      clock,
      random,
      logger,
      oldestClaimNo: () => this.#claims.oldest([...this.#runs.values()].map(({ run }) => run.claimNo)),
      onRevoked,
    });
    this.#sweeps = new Loop({
      name: 'recovery',
      clock,
      random,
      logger,
      intervalMs: options.sweepMs,
      round: () => this.#sweep(),
    });
    this.#runServices = this.#servicesForRuns();
  }

  /** Answers as the work does; with null once this executor can do no more for anybody. */
  async unlessGone<T>(work: () => Promise<T>): Promise<T | null> {
    if (this.#isGone) return null;
    try {
      return await this.#waits.wait(work, () => new Gone());
    } catch (error) {
      if (error instanceof Gone) return null;
      throw error;
    }
  }

  async launch(): Promise<void> {
    await this.#lease.register();
    this.#sweeps.start();
    this.#claims.start();
    this.#parking?.start();
    this.#claims.wake();
    this.#sweeps.wake();
  }

  /** The run, if this executor is executing it. */
  find(workflowId: string): ClaimedRun | null {
    return this.#runs.get(workflowId)?.run ?? null;
  }

  /**
   * Makes a run durable and starts executing it. Never settles if the executor is gone before that.
   *
   * @param onDurable called between the two
   */
  async start(definition: WorkflowDefinition, starting: StartingRun, onDurable: () => void): Promise<LogVerdict> {
    const claimNo = this.#claims.next();
    const run = firstClaim(starting, claimNo);
    const verdict = await this.#log.append({ kind: 'start', run: { ...starting, claimNo } });
    if (verdict.kind === 'recorded') {
      onDurable();
      this.#execute(definition, run, []);
    }
    this.#claims.settled(claimNo);
    return verdict;
  }

  /** Makes a run durable that waits in a queue. Never settles if the executor is gone before that. */
  async enqueue(run: QueuedRun): Promise<LogVerdict> {
    const verdict = await this.#log.append({ kind: 'enqueue', run });
    if (verdict.kind === 'recorded') this.#claims.wake();
    return verdict;
  }

  get runCount(): number {
    return this.#runs.size;
  }

  /** The runs that are in memory. */
  get runs(): Iterable<ClaimedRun> {
    return [...this.#runs.values()].map(({ run }) => run);
  }

  /** The size of what waits to be written. */
  get backlogBytes(): number {
    return this.#log.backlogBytes;
  }

  /** Whether the database is so far behind that nothing more must be taken on. */
  get isBacklogFull(): boolean {
    return this.#log.backlogBytes >= this.#services.options.backlogBytesMax;
  }

  /** What is wrong here. */
  get healthReasons(): HealthReason[] {
    const { options } = this.#services;
    const reasons: HealthReason[] = [];
    if (this.#isDraining) reasons.push(reason('draining'));
    if (!this.#lease.isHeld) reasons.push(reason('lease-uncertain', this.#lease.failingSince));
    const failing = [
      ['writes-failing', this.#log.failingSince],
      ['claims-failing', this.#claims.failingSince],
      ['recovery-failing', this.#sweeps.failingSince],
    ] as const;
    for (const [code, since] of failing) if (since !== null) reasons.push(reason(code, since));
    if (this.isBacklogFull) reasons.push(reason('backlog-full'));
    if (this.#runs.size >= options.runsMax) reasons.push(reason('runs-full'));
    return reasons;
  }

  /** Somebody cancelled these runs. */
  cancel(workflowIds: readonly string[]): void {
    for (const workflowId of workflowIds) this.#runs.get(workflowId)?.interrupt('cancelled');
  }

  /** Something may have happened that is otherwise found at the next sweep. */
  sweep(): void {
    this.#sweeps.wake();
  }

  /** There may be runs to take. */
  wake(): void {
    this.#claims.wake();
  }

  /**
   * Hands everything over: waits at most `drainMs` for the side effects under way, then releases all runs, which other
   * processes take at once.
   */
  async handOver(drainMs: number): Promise<void> {
    const { store, clock } = this.#services;
    // At once, so that no step begins while a round under way ends, which may wait for the database.
    const drained = this.#drain(drainMs);
    await Promise.all([drained, this.#claims.stop(), this.#sweeps.stop(), this.#parking?.stop()]);
    const workflowIds = this.#abandonRuns(this.#isGone);
    this.#log.abandon();
    await this.#lease.stop();
    if (this.#isGone) return;
    this.#leave();
    // Without a reply these would look like a crash, and the runs would wait for the end of the lease.
    await retryBriefly(clock, farewellMs, () => store.executors.revoke({ executorId: this.id, now: clock.sqlNow() }));
    const release = { ...this.#services, ...store, crashesMax: this.#services.options.crashesMax };
    const released = await retryBriefly(clock, farewellMs, () => releaseRuns(release));
    if (released > 0) this.#services.hints.send({ type: 'work' });
    this.#callbacks.onReleased(workflowIds);
    this.#callbacks.onGone();
  }

  /** Stops dead: as a killed process would, for tests. */
  async crash(): Promise<void> {
    this.#leave();
    this.#abandonRuns(true);
    this.#log.abandon();
    await Promise.all([this.#claims.stop(), this.#sweeps.stop(), this.#parking?.stop(), this.#lease.stop()]);
  }

  async #drain(drainMs: number): Promise<void> {
    const { clock } = this.#services;
    this.#isDraining = true;
    const limit = deferred<void>();
    const timer = clock.setTimer(drainMs, () => limit.resolve(), { background: false });
    const drained = Promise.all([...this.#runs.values()].map((run) => run.drain()))
      .then(() => new Promise<void>((resolve) => clock.nextMacrotask(resolve)))
      .then(() => this.#log.drain());
    await this.unlessGone(() => Promise.race([drained, limit.promise]));
    timer.cancel();
  }

  #execute(definition: WorkflowDefinition, run: ClaimedRun, history: readonly Checkpoint[]): void {
    if (this.#isGone) return;
    const execution = new RunExecution(this.#runServices, definition, run, history);
    this.#runs.set(run.workflowId, execution);
    if (this.#runs.size >= this.#services.options.runsMax) this.#parking?.crowded();
    this.#suspects.watch(run);
    if (this.#isDraining) void execution.drain();
    execution.begin();
  }

  #servicesForRuns(): RunServices<RunExecution> {
    const { clock, random, metrics, codec, carriers, contexts, mailbox, tracing } = this.#services;
    return {
      executorId: this.id,
      tracing,
      metrics,
      clock,
      random,
      codec,
      carriers,
      contexts,
      mailbox,
      starter: this.#callbacks.starterFor(this),
      append: (item) => {
        // A parent that executes here is not parked while this child does.
        const isParentHere = item.kind === 'outcome' && item.parentId !== null && this.#runs.has(item.parentId);
        const verdict = this.#log.append(isParentHere ? { ...item, parentId: null } : item);
        const published = publisherOf(item);
        if (published !== null) void verdict.then(() => this.#callbacks.onPublished(published));
        if (item.kind === 'checkpoint') this.#suspects.release(item.checkpoint.workflowId);
        return verdict;
      },
      leaseRenewal: () => this.#lease.renewal(),
      onSettled: (execution, outcome) => {
        const { workflowId, name, createdAt } = execution.run;
        const { kind, payload, finishedAt } = outcome;
        const failure = kind === 'completed' ? null : (): unknown => codec.decodeError(payload ?? '');
        metrics.ended(name, kind, finishedAt - createdAt, failure);
        if (this.#runs.get(workflowId) === execution) this.#runs.delete(workflowId);
        this.#callbacks.onSettled(outcome);
        this.#suspects.release(workflowId);
        if (execution.run.queue === null) this.#claims.left();
        else this.#claims.freed();
      },
      onRetry: ({ definition, run }, retries) => this.#execute(definition, { ...run, wasParked: false }, retries),
      onBlocked: (execution, { reason }) => void this.#block(execution, reason),
      onLive: ({ run, hasReplayed }, replayedMs) => {
        if (hasReplayed) metrics.replayed(run.name, replayedMs);
      },
      stuckMs: 30_000,
    };
  }

  #parked(executions: readonly RunExecution[], wakeAt: EpochMs | null): void {
    for (const { run } of executions) {
      this.#runs.delete(run.workflowId);
      this.#suspects.release(run.workflowId);
    }
    this.#claims.left();
    if (wakeAt !== null) this.#claims.lookAgainAt(wakeAt);
    this.#callbacks.onReleased(executions.map(({ run }) => run.workflowId));
  }

  async #kept(executions: readonly RunExecution[]): Promise<void> {
    const kept = new Map(executions.map((execution) => [execution.run.workflowId, execution.definition]));
    const claimNos = new Set(executions.map(({ run }) => run.claimNo));
    const found = (await Promise.all([...claimNos].map((claimNo) => this.#claims.read(claimNo)))).flat();
    for (const { run, history } of found) {
      const definition = kept.get(run.workflowId);
      if (definition !== undefined) this.#execute(definition, { ...run, wasParked: true }, history);
    }
  }

  #announceWork(): void {
    this.#services.hints.send({ type: 'work' });
    this.#claims.wake();
  }

  /** The run stays this executor's until it has been set aside: a claim number must not be forgotten before. */
  async #block({ run, definition }: RunExecution, reason: string): Promise<void> {
    const block = { executorId: this.id, run, code: definition.code, reason };
    if (!(await setAside(block, this.#services, () => this.#isGone))) return;
    this.#runs.delete(run.workflowId);
    this.#claims.left();
    this.#callbacks.onReleased([run.workflowId]);
  }

  async #sweep(): Promise<void> {
    const { store, options } = this.#services;
    const released = await recoverRuns({
      ...this.#services,
      ...store,
      executorId: this.id,
      crashesMax: options.crashesMax,
      mayRevoke: this.#lease.isSteady,
      leaseMs: options.leaseMs,
    });
    if (released > 0) this.#announceWork();
    if (this.#runs.size > 0) this.cancel(await store.runs.findCancelRequests(this.id));
  }

  async #acquit(workflowId: string, claimNo: number): Promise<void> {
    const { store, logger } = this.#services;
    try {
      await store.ownership.acquit({ executorId: this.id, claimNo, workflowId });
    } catch (error) {
      logger.debug({ err: error, workflowId }, 'a suspect was not acquitted; it is tried again after the next crash');
    }
  }

  #revoked(): void {
    if (this.#isGone) return;
    this.#services.logger.warn({ executorId: this.id }, 'this executor lost its lease; its runs go on elsewhere');
    this.#leave();
    this.#services.tracing.takenForDead();
    const workflowIds = this.#abandonRuns(true);
    this.#log.abandon();
    void Promise.all([this.#claims.stop(), this.#sweeps.stop(), this.#parking?.stop(), this.#lease.stop()]);
    this.#callbacks.onReleased(workflowIds);
    this.#callbacks.onGone();
  }

  #leave(): void {
    this.#isGone = true;
    this.#waits.interrupt();
  }

  #abandonRuns(isLost: boolean): string[] {
    const workflowIds = [...this.#runs.keys()];
    for (const run of this.#runs.values()) run.abandon(isLost);
    this.#suspects.clear();
    this.#runs.clear();
    return workflowIds;
  }
}

class Gone extends Error {}
