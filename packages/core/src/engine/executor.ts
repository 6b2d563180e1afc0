import { CheckpointLog, type LogItem, type LogVerdict } from '../checkpoint-log/checkpoint-log.js';
import { Lease } from '../recovery/lease.js';
import { recoverRuns, releaseRuns } from '../recovery/recovery.js';
import type { ClaimedRun, Outcome } from '../store/records.js';
import type { QueuedRun } from '../store/queue-items.js';
import { deferred } from '../util/deferred.js';
import { Interruptible } from '../util/interruptible.js';
import { Loop } from '../util/loop.js';
import type { WorkflowDefinition } from '../workflow/definition.js';
import type { RunStarter } from '../workflow/run-starter.js';
import { Claims } from './claims.js';
import type { EngineServices } from './engine-services.js';
import { ExecutingRuns } from './executing-runs.js';
import { firstClaim, type StartingRun } from './first-claim.js';
import { RunParking } from './parking.js';
import { executorReasons, type HealthReason } from './health.js';
import { retryBriefly } from './retry-while-unavailable.js';

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
  /** Asks the attached children of a run to stop. */
  readonly cancelChildren: (workflowId: string) => Promise<void>;
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
  readonly #runs: ExecutingRuns;
  readonly #waits = new Interruptible();
  #isGone = false;

  constructor(services: EngineServices, callbacks: ExecutorCallbacks) {
    const { store, clock, random, logger, options } = services;
    this.id = random.uuid();
    this.#services = services;
    this.#callbacks = callbacks;
    const onRevoked = (): void => this.#revoked();
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
      enclose: (items) => services.hints.encloseFinished(endedBy(items)),
      onWoken: () => this.#announceWork(),
      onRevoked,
    });
    this.#claims = new Claims(services, this.id, callbacks.beforeClaim, {
      isRunning: (run) => this.#runs.isExecuting(run),
      suspectsRunning: () => this.#runs.suspects,
      runsRunning: () => this.#runs.size,
      hasRoom: () => !this.isBacklogFull,
      execute: (definition, run, history) => this.#runs.execute(definition, run, history),
    });
    this.#runs = new ExecutingRuns(services, {
      executorId: this.id,
      log: this.#log,
      claims: this.#claims,
      starter: callbacks.starterFor(this),
      cancelChildren: callbacks.cancelChildren,
      leaseRenewal: () => this.#lease.renewal(),
      isGone: () => this.#isGone,
      onCrowded: () => this.#parking?.crowded(),
      onSettled: callbacks.onSettled,
      onPublished: callbacks.onPublished,
      onReleased: callbacks.onReleased,
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
            runs: () => this.#runs.all(),
            has: (workflowId) => this.#runs.has(workflowId),
            onParked: (executions, wakeAt) => this.#runs.parked(executions, wakeAt),
            onWatching: callbacks.onWatching,
            onKept: (executions) => this.#runs.kept(executions),
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
      tracing: services.tracing,
      oldestClaimNo: () => this.#claims.oldest([...this.#runs.all()].map(({ run }) => run.claimNo)),
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
    return this.#runs.find(workflowId);
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
      this.#runs.execute(definition, run, []);
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
    return [...this.#runs.all()].map(({ run }) => run);
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
    return executorReasons({
      isDraining: this.#runs.isDraining,
      lease: this.#lease,
      writesFailingSince: this.#log.failingSince,
      claimsFailingSince: this.#claims.failingSince,
      recoveryFailingSince: this.#sweeps.failingSince,
      isBacklogFull: this.isBacklogFull,
      areRunsFull: this.#runs.size >= this.#services.options.runsMax,
    });
  }

  /** Somebody cancelled these runs. */
  cancel(workflowIds: readonly string[]): void {
    this.#runs.cancel(workflowIds);
  }

  /**
   * Looks whether runs that are executed here have been cancelled, and tells them. Never resolves where they are executed
   * elsewhere by now, and nobody here is to hear any more what became of them.
   */
  async hearOfCancellations(): Promise<void> {
    for (let renewal = this.#lease.renewal(); renewal !== null; renewal = this.#lease.renewal()) await renewal;
    await this.#lookForCancellations();
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
    const workflowIds = this.#runs.abandon(this.#isGone);
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
    this.#runs.abandon(true);
    this.#log.abandon();
    await Promise.all([this.#claims.stop(), this.#sweeps.stop(), this.#parking?.stop(), this.#lease.stop()]);
  }

  async #drain(drainMs: number): Promise<void> {
    const { clock } = this.#services;
    const runs = this.#runs.drain();
    const limit = deferred<void>();
    const timer = clock.setTimer(drainMs, () => limit.resolve(), { background: false });
    const drained = runs
      .then(() => new Promise<void>((resolve) => clock.nextMacrotask(resolve)))
      .then(() => this.#log.drain());
    await this.unlessGone(() => Promise.race([drained, limit.promise]));
    timer.cancel();
  }

  #announceWork(): void {
    this.#services.hints.send({ type: 'work' });
    this.#claims.wake();
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
    if (this.#runs.size > 0) await this.#lookForCancellations();
  }

  async #lookForCancellations(): Promise<void> {
    this.cancel(await this.#services.store.runs.findCancelRequests(this.id));
  }

  #revoked(): void {
    if (this.#isGone) return;
    this.#services.logger.warn({ executorId: this.id }, 'this executor lost its lease; its runs go on elsewhere');
    this.#leave();
    this.#services.tracing.takenForDead(this.id);
    const workflowIds = this.#runs.abandon(true);
    this.#log.abandon();
    void Promise.all([this.#claims.stop(), this.#sweeps.stop(), this.#parking?.stop(), this.#lease.stop()]);
    this.#callbacks.onReleased(workflowIds);
    this.#callbacks.onGone();
  }

  #leave(): void {
    this.#isGone = true;
    this.#waits.interrupt();
  }
}

const endedBy = (items: readonly LogItem[]): string[] =>
  items.flatMap((item) => (item.kind === 'outcome' ? [item.outcome.workflowId] : []));

class Gone extends Error {}
