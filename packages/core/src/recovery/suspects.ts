import type { Clock, Timer } from '../seams/clock.js';
import type { ClaimedRun } from '../store/records.js';

/** The crashes without progress from which on a run is a suspect; a claim goes by the same number. */
export const suspectCrashes = 2;

export interface SuspectsOptions {
  /** A suspect was executed for the whole trial, and this process still lives. */
  readonly onAcquitted: (run: ClaimedRun) => void;
  /** Another suspect may be claimed. */
  readonly onFree: () => void;
}

/**
 * The runs on trial in this process. When a process dies, every run that it was executing comes under suspicion, though
 * only one may be to blame. So suspects are executed one at a time: if the process dies again, it was that one. A trial
 * ends when the suspect makes progress, or has been executed for a while.
 */
export class Suspects {
  readonly #clock: Clock;
  readonly #trialMs: number;
  readonly #options: SuspectsOptions;
  readonly #trials = new Map<string, Timer>();

  constructor(clock: Clock, trialMs: number, options: SuspectsOptions) {
    this.#clock = clock;
    this.#trialMs = trialMs;
    this.#options = options;
  }

  get count(): number {
    return this.#trials.size;
  }

  /** Puts a run on trial, if it is a suspect. */
  watch(run: ClaimedRun): void {
    if (run.crashes < suspectCrashes || this.#trials.has(run.workflowId)) return;
    const end = (): void => {
      this.#options.onAcquitted(run);
      this.release(run.workflowId);
    };
    this.#trials.set(run.workflowId, this.#clock.setTimer(this.#trialMs, end, { background: true }));
  }

  /** The run made progress, or ended. */
  release(workflowId: string): void {
    const trial = this.#trials.get(workflowId);
    if (trial === undefined) return;
    trial.cancel();
    this.#trials.delete(workflowId);
    this.#options.onFree();
  }

  clear(): void {
    for (const trial of this.#trials.values()) trial.cancel();
    this.#trials.clear();
  }
}
