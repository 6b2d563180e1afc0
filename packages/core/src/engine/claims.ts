import { QueueTimeoutError } from '../errors/queue-errors.js';
import type { EpochMs, Timer } from '../seams/clock.js';
import type { Checkpoint, ClaimedRun } from '../store/records.js';
import { Loop } from '../util/loop.js';
import type { WorkflowDefinition } from '../workflow/definition.js';
import type { EngineServices } from './engine-services.js';

export interface ClaimsOwner {
  /** Whether what this claim took is executing. Under an earlier one, the run has failed and was put back since. */
  readonly isRunning: (run: ClaimedRun) => boolean;
  readonly suspectsRunning: () => number;
  readonly runsRunning: () => number;
  /** Whether the database keeps up, so that more can be taken on. */
  readonly hasRoom: () => boolean;
  readonly execute: (definition: WorkflowDefinition, run: ClaimedRun, history: readonly Checkpoint[]) => void;
}

/**
 * Takes available runs for one executor and numbers its claims. Executor id and claim number together are the claim
 * token: random for each process start, and new at each claim.
 *
 * A claim whose reply was lost may have taken runs. Before anything else is claimed, the database is asked what that claim
 * number owns, so no run is ever owned by a living process that doesn't know of it.
 */
export class Claims {
  readonly #services: EngineServices;
  readonly #executorId: string;
  readonly #owner: ClaimsOwner;
  readonly #loop: Loop;
  readonly #beforeClaim: () => Promise<void>;
  readonly #open = new Set<number>();
  #last = 0;
  #moreTimer: Timer | null = null; // null = nothing is known to come later
  #moreAt: EpochMs | null = null;
  #isStopped = false;
  #wasFreed = false;
  #isFull = false;
  #unanswered: number | null = null; // null = every claim was answered

  constructor(services: EngineServices, executorId: string, beforeClaim: () => Promise<void>, owner: ClaimsOwner) {
    this.#beforeClaim = beforeClaim;
    this.#services = services;
    this.#executorId = executorId;
    this.#owner = owner;
    const { clock, random, logger, options } = services;
    this.#loop = new Loop({
      name: 'claims',
      clock,
      random,
      logger,
      intervalMs: options.pollMs,
      round: () => this.#round(),
    });
  }

  /** See {@link Loop.failingSince}. */
  get failingSince(): EpochMs | null {
    return this.#loop.failingSince;
  }

  start(): void {
    this.#loop.start();
  }

  wake(): void {
    this.#loop.wake();
  }

  /** A run of a queue has ended: its limits may let another begin, here or elsewhere. */
  freed(): void {
    this.#wasFreed = true;
    this.#loop.wake();
  }

  /** A run has left memory: what found no room may now. */
  left(): void {
    const { claimBatch, runsMax } = this.#services.options;
    const isRoomy = runsMax - this.#owner.runsRunning() >= Math.min(claimBatch, Math.ceil(runsMax / 2));
    if (!this.#isFull || !isRoomy) return;
    this.#isFull = false;
    this.#loop.wake();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#moreTimer?.cancel();
    await this.#loop.stop();
  }

  /** A new claim number; it counts as unfinished until {@link Claims.settled}. */
  next(): number {
    const claimNo = ++this.#last;
    this.#open.add(claimNo);
    return claimNo;
  }

  /** Whatever the claim took is now among the executor's runs. */
  settled(claimNo: number): void {
    this.#open.delete(claimNo);
  }

  /** The lowest number that an unfinished run can have, given those of the runs that are executing. */
  oldest(running: readonly number[]): number {
    // One by one: there may be more of them than a function takes arguments.
    let oldest = this.#last + 1;
    for (const claimNo of this.#open) oldest = Math.min(oldest, claimNo);
    for (const claimNo of running) oldest = Math.min(oldest, claimNo);
    return oldest;
  }

  /** There will be something to take then: a run that was parked wakes. */
  lookAgainAt(at: EpochMs): void {
    if (this.#moreAt === null || at < this.#moreAt) this.#lookAgain(at - this.#services.clock.now());
  }

  /** What a claim took and this executor still owns, with the histories. */
  async read(claimNo: number): Promise<{ run: ClaimedRun; history: readonly Checkpoint[] }[]> {
    const runs = await this.#services.store.claims.read({ executorId: this.#executorId, claimNo });
    const histories = await this.#loadHistories(runs);
    return runs.map((run) => ({ run, history: histories.get(run.workflowId) ?? [] }));
  }

  async #round(): Promise<void> {
    const { options, hints } = this.#services;
    await this.#beforeClaim();
    const wasFreed = this.#wasFreed;
    this.#wasFreed = false;
    let found: number;
    let runsMax: number;
    let isRepeated: boolean;
    do {
      runsMax = Math.min(options.claimBatch, options.runsMax - this.#owner.runsRunning());
      this.#isFull = runsMax <= 0;
      if (this.#isFull || !this.#owner.hasRoom()) return;
      isRepeated = this.#unanswered !== null;
      found = await this.#claim(runsMax);
      // What one claim took, or may have, doesn't say that there is no more.
    } while (found >= runsMax || isRepeated);
    // What this process cannot run, another may.
    if (wasFreed && found === 0) hints.send({ type: 'work' });
  }

  async #claim(runsMax: number): Promise<number> {
    const { store, clock, registry, options, codec } = this.#services;
    const executorId = this.#executorId;
    const runnables = registry.all();
    if (runnables.length === 0 && this.#unanswered === null) return 0;
    const isRepeated = this.#unanswered !== null;
    const claimNo = this.#unanswered ?? this.next();
    this.#unanswered = claimNo;
    const suspectsMax = Math.max(0, 1 - this.#owner.suspectsRunning());
    const { runs, moreInMs } = isRepeated
      ? { runs: await store.claims.read({ executorId, claimNo }), moreInMs: null }
      : await store.claims.take({
          executorId,
          claimNo,
          runnables: runnables.map(({ timeoutMs, ...runnable }) => ({
            ...runnable,
            timeoutMs: timeoutMs ?? options.timeoutMs,
          })),
          runsMax,
          suspectsMax,
          queues: options.queues,
          timeoutPayload: codec.encodeError(new QueueTimeoutError()),
          now: clock.sqlNow(),
        });
    if (moreInMs !== null) this.#lookAgain(moreInMs);
    const fresh = runs.filter((run) => !this.#owner.isRunning(run));
    const histories = await this.#loadHistories(fresh);
    for (const run of fresh) this.#execute(run, histories.get(run.workflowId) ?? []);
    this.#unanswered = null;
    this.settled(claimNo);
    return runs.length;
  }

  /** There is more at a known moment: a delay ends, a rate limit's window opens, or a parked run wakes. */
  #lookAgain(moreInMs: number): void {
    // The claim under way ends after the timers have: one of an hour would keep the process alive so long.
    if (this.#isStopped) return;
    const { clock } = this.#services;
    this.#moreTimer?.cancel();
    this.#moreAt = clock.now() + moreInMs;
    // A millisecond later: what the database rounds down must not make this ask in vain.
    this.#moreTimer = clock.setTimer(Math.max(0, moreInMs) + 1, () => {
      this.#moreAt = null;
      this.#loop.wake();
    });
  }

  async #loadHistories(runs: readonly ClaimedRun[]): Promise<Map<string, Checkpoint[]>> {
    const begun = runs.filter((run) => !run.isNew).map((run) => run.workflowId);
    return begun.length === 0 ? new Map() : await this.#services.store.runs.loadHistories(begun);
  }

  #execute(run: ClaimedRun, history: readonly Checkpoint[]): void {
    const { name, queue, waitedMs } = run;
    // What comes back to its queue, after a crash or from the dead letters, has not waited since it was enqueued.
    if (queue !== null && waitedMs !== null && run.attempt === 1)
      this.#services.metrics.waitedInQueue(name, queue, waitedMs);
    const definition = this.#services.registry.find(run.name, run.version);
    // Claims ask only for what is registered, so this was re-registered in between: the next sweep of another process,
    // or of this one after a restart, takes the run.
    if (definition === null)
      this.#services.logger.error({ workflowId: run.workflowId }, 'the workflow was replaced while it was claimed');
    else this.#owner.execute(definition, run, history);
  }
}
