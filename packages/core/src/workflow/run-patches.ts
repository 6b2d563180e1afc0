import type { Clock } from '../seams/clock.js';
import type { ReplayCursor } from './replay-cursor.js';
import type { Entry } from './run-recorder.js';

export interface RunPatchesOptions {
  readonly clock: Clock;
  readonly cursor: ReplayCursor;
  /** Whether no other code can have led the run to where it is now. */
  readonly isFirstHere: () => boolean;
  /** Makes it part of the history, before all that follows, that the run takes the new way. */
  readonly record: (entry: Entry) => void;
}

/**
 * What one run was told at the changes of its code. The first answer counts for the whole run: two places that belong to one
 * change go the same way.
 *
 * Only a yes is recorded. A no needs no record: it is given where older code may have been before, which is so at the same
 * place in every later replay.
 */
export class RunPatches {
  readonly #options: RunPatchesOptions;
  readonly #told = new Map<string, boolean>();

  constructor(options: RunPatchesOptions) {
    this.#options = options;
  }

  isPatched(id: string): boolean {
    const told = this.#told.get(id) ?? this.#decide(id);
    this.#told.set(id, told);
    return told;
  }

  deprecate(id: string): void {
    this.#options.cursor.ask(id);
  }

  #decide(id: string): boolean {
    const { cursor, clock, isFirstHere, record } = this.#options;
    if (cursor.ask(id)) return true;
    if (!isFirstHere()) return false;
    const at = clock.now();
    record({ kind: 'patch', seq: -1, name: id, payload: null, failed: false, startedAt: at, finishedAt: at });
    return true;
  }
}
