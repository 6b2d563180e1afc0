/** The systems that are compared. Perdure comes first: the others are its peers. */
export const contenderNames = ['perdure', 'dbos', 'openworkflow', 'pg-boss', 'graphile-worker'] as const;

export type ContenderName = (typeof contenderNames)[number];

/** What a workflow tells, wherever it runs. Every contender's workflows call these in the same places. */
export interface Hooks {
  /** A step's body. Of plain jobs: the job. */
  readonly step: (id: string) => void;
  /** The body of the step in the middle of a run that is to be recovered; what it waits for may never come. */
  readonly halfway: (id: string) => Promise<void>;
  /** A workflow function is about to return. */
  readonly returning: (id: string) => void;
  /** A run that waits for a message has begun. */
  readonly began: (id: string) => void;
  /** It has the message. */
  readonly received: (id: string) => void;
  /** Something of no fixed length for it to do, so that nobody can fall into step with anybody's polling. */
  readonly work: () => Promise<void>;
}

/** What a process is for: it runs what it starts itself, hands runs over to others, or runs what others hand over. */
export type Role = 'engine' | 'client' | 'worker';

export interface Opening {
  readonly url: string;
  readonly role: Role;
  /** How many things at once, for those who must say so. */
  readonly concurrency: number;
  /** Whether many jobs are waiting, so that those who can fetch and complete many together should. */
  readonly isBatched: boolean;
  /** Whether to go without notifications, and to ask every second. */
  readonly isPolling: boolean;
  readonly hooks: Hooks;
}

/** How many steps a run has that is to be recovered, and in which of them it is found. */
export const recovered = { steps: 10, halfway: 5 } as const;

/**
 * One system in one process. It implements what it can.
 *
 * The workflows are the same for all: `steps` has so many steps in sequence, each of which calls {@link Hooks.step};
 * `waiting` waits for a message, has one step, and returns; `halfDone` is as {@link recovered} says; `sleeping` sleeps.
 */
export interface Contender {
  /** Runs `steps` here; resolves when the caller has its result, or, for those whose callers poll, when it returns. */
  readonly run?: (id: string, steps: number) => Promise<unknown>;
  /** Starts `halfDone` here. */
  readonly startHalfDone?: (id: string) => Promise<unknown>;
  /** Starts `sleeping` here. */
  readonly startSleeping?: (id: string, sleepMs: number) => Promise<unknown>;
  /** Hands `steps` with one step over to a worker, or a job; resolves when that is durable. */
  readonly enqueue?: (id: string) => Promise<unknown>;
  /** Hands `waiting` over to a worker; of plain jobs: a job that tells when it begins. */
  readonly enqueueWaiting?: (id: string) => Promise<unknown>;
  readonly send?: (id: string) => Promise<unknown>;
  /** Resolves when this process has the result of what it has handed over. */
  readonly result?: (id: string) => Promise<unknown>;
  readonly close: () => Promise<void>;
}

/** What the module of a contender exports. */
export type Open = (opening: Opening) => Promise<Contender>;
