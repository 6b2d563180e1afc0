import type { Clock, EpochMs, Timer } from '../seams/clock.js';
import type { Logger } from '../seams/logger.js';
import type { Random } from '../seams/random.js';
import { eventName, type ParkingStore, type ParkVerdict, runName, topicName } from '../store/parking.js';
import { Interruptible } from '../util/interruptible.js';
import { Loop } from '../util/loop.js';
import type { Rest } from '../workflow/rest.js';
import type { RunExecution } from '../workflow/run-execution.js';
import { retryWhileUnavailable } from './retry-while-unavailable.js';

export interface ParkingOptions {
  readonly executorId: string;
  readonly parking: ParkingStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly parkMs: number;
  /** Whether there are so many runs that those that wait should leave sooner. */
  readonly isCrowded: () => boolean;
  readonly runs: () => Iterable<RunExecution>;
  /** Whether a run executes here, so that its outcome is known here first. */
  readonly has: (workflowId: string) => boolean;
  /** These runs are this executor's no longer; the first of them wakes by itself at `wakeAt`. */
  readonly onParked: (executions: readonly RunExecution[], wakeAt: EpochMs | null) => void;
  /** Parked runs wait for events of these runs, which may have been set in the moment of parking. */
  readonly onWatching: (workflowIds: readonly string[]) => void;
  /** Something that these wait for has come: they are to be executed again, from their histories. */
  readonly onKept: (executions: readonly RunExecution[]) => Promise<void>;
}

const batchMax = 500;

/**
 * How long runs of a crowd must have waited at least, and must go on to: long enough for a busy database to find a message.
 * Between rounds it gets longer while nothing comes of looking.
 */
const crowdedMinMs = 1_000;

/**
 * Takes runs out of memory that only wait. An execution that is to be parked is given up before the database is asked, as in
 * a crash: whatever comes meanwhile is found there, by the statement that parks, or by whoever wakes the run.
 */
export class RunParking {
  readonly #options: ParkingOptions;
  readonly #loop: Loop;
  readonly #waits = new Interruptible();
  /** How far the executions had come a round ago. */
  #progress = new WeakMap<RunExecution, number>();
  #isStopped = false;
  #crowdedMs: number;
  #soon: Timer | null = null; // null = the next round comes in its time

  constructor(options: ParkingOptions) {
    this.#options = options;
    const { clock, random, logger, parkMs } = options;
    this.#crowdedMs = Math.min(parkMs, crowdedMinMs);
    this.#loop = new Loop({ name: 'parking', clock, random, logger, intervalMs: parkMs, round: () => this.#round() });
  }

  start(): void {
    this.#loop.start();
  }

  /** Leaves it to others to find out what became of the runs that are being parked: they are this executor's, or parked. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#soon?.cancel();
    this.#waits.interrupt();
    await this.#loop.stop();
  }

  /** There are more runs than before, and many. */
  crowded(): void {
    if (this.#soon !== null || this.#isStopped) return;
    const { clock } = this.#options;
    this.#soon = clock.setTimer(
      this.#crowdedMs,
      () => {
        this.#soon = null;
        this.#loop.wake();
      },
      { background: true },
    );
  }

  async #round(): Promise<void> {
    const { isCrowded, parkMs } = this.#options;
    try {
      const found = await this.#parkAll();
      const isOfUse = found > 0 || !isCrowded();
      this.#crowdedMs = Math.min(parkMs, isOfUse ? crowdedMinMs : this.#crowdedMs * 2);
      if (isCrowded()) this.crowded();
    } catch (error) {
      if (!(error instanceof Leaving)) throw error;
    }
  }

  async #parkAll(): Promise<number> {
    const { has } = this.#options;
    let found = 0;
    const waiting = [...this.#waitingForLong()];
    for (let start = 0; start < waiting.length; start += batchMax) {
      // While those before were being parked, something may have happened in these.
      const batch = waiting.slice(start, start + batchMax).filter(({ execution, rest, progress }) => {
        return execution.progress === progress && execution.rest !== null && !rest.children.some(has);
      });
      if (batch.length > 0) await this.#park(batch);
      found += batch.length;
    }
    return found;
  }

  /** Those that have waited for a whole round, and will for another. */
  *#waitingForLong(): Generator<{ execution: RunExecution; rest: Rest; progress: number }> {
    const { clock, runs, parkMs, isCrowded } = this.#options;
    const soon = clock.now() + (isCrowded() ? Math.min(parkMs, crowdedMinMs) : parkMs);
    const before = this.#progress;
    this.#progress = new WeakMap(); // a new one each time: they grow, and never shrink
    for (const execution of runs()) {
      const { rest, progress } = execution;
      const hasWaited = before.get(execution) === progress;
      this.#progress.set(execution, progress);
      if (rest === null || !hasWaited || (rest.wakeAt !== null && rest.wakeAt < soon)) continue;
      // An item of a queue counts as running until it ends, in the process that runs it.
      if (execution.run.queue === null) yield { execution, rest, progress };
    }
  }

  async #park(resting: readonly { execution: RunExecution; rest: Rest }[]): Promise<void> {
    const { executorId, parking, onParked, onWatching, onKept, logger } = this.#options;
    for (const { execution } of resting) execution.abandon(false);
    const given = resting.map(({ execution: { run, retries }, rest }) => ({
      workflowId: run.workflowId,
      claimNo: run.claimNo,
      wakeAt: rest.wakeAt,
      retries,
      wakeOn: [
        ...rest.topics.map(topicName),
        ...rest.children.map(runName),
        ...rest.events.map(({ workflowId: publisher, key }) => eventName(publisher, key)),
      ],
    }));
    let verdicts: ReadonlyMap<string, ParkVerdict>;
    try {
      verdicts = await this.#untilAnswered(() => parking.park(executorId, given));
    } catch (error) {
      if (error instanceof Leaving) throw error;
      logger.warn({ err: error }, 'runs that wait could not be parked; they stay in memory');
      verdicts = new Map(given.map(({ workflowId }) => [workflowId, 'kept']));
    }
    const isKept = ({ execution }: { execution: RunExecution }): boolean =>
      verdicts.get(execution.run.workflowId) === 'kept';
    const parked = resting.filter((item) => !isKept(item));
    const moments = parked.flatMap(({ rest }) => (rest.wakeAt === null ? [] : [rest.wakeAt]));
    onParked(
      parked.map(({ execution }) => execution),
      moments.length === 0 ? null : Math.min(...moments),
    );
    onWatching(parked.flatMap(({ rest }) => rest.events.map(({ workflowId }) => workflowId)));
    const kept = resting.filter(isKept).map(({ execution }) => execution);
    if (kept.length > 0) await this.#untilAnswered(() => onKept(kept));
  }

  /** @throws {Leaving} if this executor leaves meanwhile */
  #untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
    let isLeaving = false;
    return this.#waits.wait(
      () => retryWhileUnavailable(this.#options, () => isLeaving, ask),
      () => {
        isLeaving = true;
        return new Leaving();
      },
    );
  }
}

class Leaving extends Error {}
