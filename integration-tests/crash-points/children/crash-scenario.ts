import type { workflow } from '@perdure/core';
import type { Ending, Role } from '../jobs.js';
import type { CrashPoint } from '../points.js';
import type { Stage } from './stage.js';

/** Something that users do with an engine, which has to come to the same end wherever a process dies. */
export interface CrashScenario {
  readonly name: string;
  /** What the engine of a process knows. */
  readonly workflows: (role: Role) => readonly ReturnType<typeof workflow<[], unknown>>[];
  readonly expected: Ending;
  /** Readies the process before its engine is launched; what it returns undoes that. */
  readonly setUp: () => () => void;
  /**
   * What the users of one process do, from its launch on; each process repeats it as far as it does not know that it is
   * done. Resolves with how the run ended, or with null if this process has handed it over.
   */
  readonly play: (stage: Stage) => Promise<Ending | null>;
  /** Where processes die before the one whose crashes are tested. */
  readonly prelude: readonly CrashPoint[];
  /** The replies that the tested process loses while it lives on. */
  readonly isReplyLost: (name: string, nth: number) => boolean;
  /** What the code of workflows may be shown, by code or name. */
  readonly mayCatch: readonly string[];
  /** Steps that must have begun in the end, however it came about. */
  readonly mustBegin: readonly string[];
  /** How many rows transactional steps and transactions of the caller leave. */
  readonly rows: number;
  /** On a schema that does not exist yet. */
  readonly isFirstLaunch: boolean;
  /** How many things share a commit at most: 1 makes each its own point. */
  readonly itemsPerFlush: number;
  /** How long runs wait before they are parked; false = they never are. */
  readonly parkAfter: string | false;
}

type Given = Pick<CrashScenario, 'name' | 'workflows' | 'expected'> & Partial<CrashScenario>;

/** A scenario whose users start a run of the first workflow and wait for its result, unless it says otherwise. */
export function crashScenario(given: Given): CrashScenario {
  return {
    play: async (stage) => {
      await stage.start(given.workflows(stage.role)[0]!);
      return await stage.ending();
    },
    setUp: () => () => {},
    prelude: [],
    isReplyLost: () => false,
    mayCatch: [],
    mustBegin: [],
    rows: 0,
    isFirstLaunch: false,
    itemsPerFlush: 1_000,
    parkAfter: false,
    ...given,
  };
}
