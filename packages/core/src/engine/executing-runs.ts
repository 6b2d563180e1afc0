import type { CheckpointLog } from '../checkpoint-log/checkpoint-log.js';
import { publisherOf } from '../checkpoint-log/publisher.js';
import { Suspects } from '../recovery/suspects.js';
import type { EpochMs } from '../seams/clock.js';
import type { Checkpoint, ClaimedRun, Outcome } from '../store/records.js';
import type { WorkflowDefinition } from '../workflow/definition.js';
import { RunExecution } from '../workflow/run-execution.js';
import type { RunServices } from '../workflow/run-services.js';
import type { RunStarter } from '../workflow/run-starter.js';
import type { Claims } from './claims.js';
import type { EngineServices } from './engine-services.js';
import { setAside } from './set-aside.js';

export interface ExecutingRunsOptions {
  readonly executorId: string;
  readonly log: CheckpointLog;
  readonly claims: Claims;
  /** What they start other runs with. */
  readonly starter: RunStarter;
  /** Asks the attached children of a run to stop; see {@link RunServices.cancelChildren}. */
  readonly cancelChildren: (workflowId: string) => Promise<void>;
  readonly leaseRenewal: () => Promise<void> | null;
  /** Whether the executor can do no more for anybody. */
  readonly isGone: () => boolean;
  /** There are as many as may be. */
  readonly onCrowded: () => void;
  /** A run's outcome is durable. */
  readonly onSettled: (outcome: Outcome) => void;
  /** A run has set an event, or written to a stream. */
  readonly onPublished: (workflowId: string) => void;
  /** These runs go on elsewhere, if at all. */
  readonly onReleased: (workflowIds: readonly string[]) => void;
}

/** The runs of an executor that are in memory, from when it has them until they end, are parked or go elsewhere. */
export class ExecutingRuns {
  readonly #services: EngineServices;
  readonly #options: ExecutingRunsOptions;
  readonly #suspects: Suspects;
  readonly #runServices: RunServices<RunExecution>; // one for all, of which there may be many
  readonly #runs = new Map<string, RunExecution>();
  #isDraining = false;

  constructor(services: EngineServices, options: ExecutingRunsOptions) {
    this.#services = services;
    this.#options = options;
    this.#suspects = new Suspects(services.clock, services.options.leaseMs, {
      onAcquitted: ({ workflowId, claimNo }) => void this.#acquit(workflowId, claimNo),
      onFree: () => options.claims.wake(),
    });
    this.#runServices = this.#servicesForRuns();
  }

  get size(): number {
    return this.#runs.size;
  }

  /** How many of them are suspects. */
  get suspects(): number {
    return this.#suspects.count;
  }

  /** Whether no side effect begins any more. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  all(): Iterable<RunExecution> {
    return this.#runs.values();
  }

  has(workflowId: string): boolean {
    return this.#runs.has(workflowId);
  }

  find(workflowId: string): ClaimedRun | null {
    return this.#runs.get(workflowId)?.run ?? null;
  }

  /** Whether it is this claim of the run that executes. */
  isExecuting({ workflowId, claimNo }: Pick<ClaimedRun, 'workflowId' | 'claimNo'>): boolean {
    return this.#runs.get(workflowId)?.run.claimNo === claimNo;
  }

  execute(definition: WorkflowDefinition, run: ClaimedRun, history: readonly Checkpoint[]): void {
    if (this.#options.isGone()) return;
    const execution = new RunExecution(this.#runServices, definition, run, history);
    this.#runs.set(run.workflowId, execution);
    if (this.#runs.size >= this.#services.options.runsMax) this.#options.onCrowded();
    this.#suspects.watch(run);
    if (this.#isDraining) void execution.drain();
    execution.begin();
  }

  /** Somebody cancelled these runs. */
  cancel(workflowIds: readonly string[]): void {
    for (const workflowId of workflowIds) this.#runs.get(workflowId)?.interrupt('cancelled');
  }

  /** Lets no side effect begin, and answers when those under way have ended. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    await Promise.all([...this.#runs.values()].map((run) => run.drain()));
  }

  /** Lets go of all of them. */
  abandon(isLost: boolean): string[] {
    const workflowIds = [...this.#runs.keys()];
    for (const run of this.#runs.values()) run.abandon(isLost);
    this.#suspects.clear();
    this.#runs.clear();
    return workflowIds;
  }

  /** They are this executor's no longer. */
  parked(executions: readonly RunExecution[], wakeAt: EpochMs | null): void {
    const left = executions.filter((execution) => this.#leave(execution));
    this.#options.claims.left();
    if (wakeAt !== null) this.#options.claims.lookAgainAt(wakeAt);
    this.#options.onReleased(left.map(({ run }) => run.workflowId));
  }

  /** They were to leave memory, and stay: with what is recorded of them. */
  async kept(executions: readonly RunExecution[]): Promise<void> {
    const kept = new Map(executions.map((execution) => [execution.run.workflowId, execution.definition]));
    const claimNos = new Set(executions.map(({ run }) => run.claimNo));
    const found = (await Promise.all([...claimNos].map((claimNo) => this.#options.claims.read(claimNo)))).flat();
    for (const { run, history } of found) {
      const definition = kept.get(run.workflowId);
      if (definition !== undefined) this.execute(definition, { ...run, wasParked: true }, history);
    }
  }

  #servicesForRuns(): RunServices<RunExecution> {
    const { clock, random, metrics, codec, carriers, contexts, mailbox, tracing } = this.#services;
    const { executorId, log, claims, starter, cancelChildren, leaseRenewal, onPublished, onSettled } = this.#options;
    return {
      executorId,
      tracing,
      metrics,
      clock,
      random,
      codec,
      carriers,
      contexts,
      mailbox,
      starter,
      cancelChildren,
      append: (item) => {
        // A parent that executes here is not parked while this child does. One that is closed may be on its way out.
        const isParentHere =
          item.kind === 'outcome' && item.parentId !== null && this.#runs.get(item.parentId)?.isClosed === false;
        const verdict = log.append(isParentHere ? { ...item, parentId: null } : item);
        const published = publisherOf(item);
        if (published !== null) void verdict.then(() => onPublished(published));
        if (item.kind === 'checkpoint') this.#suspects.release(item.checkpoint.workflowId);
        return verdict;
      },
      leaseRenewal,
      onSettled: (execution, outcome) => {
        const { name, createdAt } = execution.run;
        const { kind, payload, finishedAt } = outcome;
        const failure = kind === 'completed' ? null : (): unknown => codec.decodeError(payload ?? '');
        metrics.ended(name, kind, finishedAt - createdAt, failure);
        this.#leave(execution);
        onSettled(outcome);
        if (execution.run.queue === null) claims.left();
        else claims.freed();
      },
      onRetry: ({ definition, run }, retries) => this.execute(definition, { ...run, wasParked: false }, retries),
      onBlocked: (execution, { reason }) => void this.#block(execution, reason),
      onLive: ({ run, hasReplayed }, replayedMs) => {
        if (hasReplayed) metrics.replayed(run.name, replayedMs);
      },
      stuckMs: 30_000,
    };
  }

  /** The run stays this executor's until it has been set aside: a claim number must not be forgotten before. */
  async #block(execution: RunExecution, reason: string): Promise<void> {
    const { run, definition } = execution;
    const block = { executorId: this.#options.executorId, run, code: definition.code, reason };
    if (!(await setAside(block, this.#services, this.#options.isGone))) return;
    const hasLeft = this.#leave(execution);
    this.#options.claims.left();
    if (hasLeft) this.#options.onReleased([run.workflowId]);
  }

  /** False if the run has come back meanwhile, under another claim: the answer that it had gone can be late. */
  #leave(execution: RunExecution): boolean {
    const { workflowId } = execution.run;
    if (this.#runs.get(workflowId) !== execution) return false;
    this.#runs.delete(workflowId);
    this.#suspects.release(workflowId);
    return true;
  }

  async #acquit(workflowId: string, claimNo: number): Promise<void> {
    const { store, logger } = this.#services;
    try {
      await store.ownership.acquit({ executorId: this.#options.executorId, claimNo, workflowId });
    } catch (error) {
      logger.debug({ err: error, workflowId }, 'a suspect was not acquitted; it is tried again after the next crash');
    }
  }
}
