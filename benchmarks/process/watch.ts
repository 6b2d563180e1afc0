import type { Hooks } from '../contender.js';
import { monotonicMs } from './monotonic.js';

/** What a run did, and when. */
export type Moment = 'began' | 'received' | 'returning';

/** Counts what the workflows of this process tell. */
export class Watch implements Hooks {
  steps = 0;
  returned = 0;
  reachedHalfway = 0;
  firstAtMs: number | null = null; // null = nothing has happened
  lastAtMs = 0;
  /** Called for each step, if anybody wants to know. */
  onStep: ((id: string) => void) | null = null;
  readonly #tell: (id: string, moment: Moment) => void;
  readonly #mayPassHalfway: boolean;
  #sought: { readonly returned: number; readonly found: () => void } | null = null;

  constructor(options: {
    /** Whether runs get over the step in their middle, as they do in a second process. */
    readonly mayPassHalfway: boolean;
    readonly tell: (id: string, moment: Moment) => void;
  }) {
    this.#mayPassHalfway = options.mayPassHalfway;
    this.#tell = options.tell;
  }

  readonly step = (id: string): void => {
    this.steps += 1;
    this.#noteTime();
    this.onStep?.(id);
  };

  readonly halfway = (): Promise<void> => {
    this.reachedHalfway += 1;
    this.#noteTime();
    return this.#mayPassHalfway ? Promise.resolve() : new Promise(() => {});
  };

  readonly returning = (id: string): void => {
    this.returned += 1;
    this.#noteTime();
    if (this.#sought?.returned === this.returned) this.#sought.found();
    this.#tell(id, 'returning');
  };

  readonly began = (id: string): void => this.#tell(id, 'began');

  readonly received = (id: string): void => this.#tell(id, 'received');

  readonly work = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 100));

  /** Resolves when so many runs have returned in this process. */
  untilReturned(count: number): Promise<void> {
    if (this.returned >= count) return Promise.resolve();
    return new Promise((found) => (this.#sought = { returned: count, found }));
  }

  #noteTime(): void {
    this.lastAtMs = monotonicMs();
    this.firstAtMs ??= this.lastAtMs;
  }
}
