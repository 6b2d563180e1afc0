/** What a run of the torture does, one operation after the other; it is the workflow's input. */
export interface Program {
  readonly workflowId: string;
  readonly ops: readonly Op[];
}

/** Each operation makes a new value of the run's value so far. */
export type Op =
  | PlainOp
  /** Two steps beside each other; a third one is named after the one that was first. */
  | { readonly op: 'race'; readonly name: string; readonly first: number; readonly second: number }
  /** A step beside a sleep that nobody waits for. */
  | { readonly op: 'overtake'; readonly name: string; readonly add: number }
  | { readonly op: 'chains'; readonly chains: readonly (readonly PlainOp[])[] }
  /** Called, or started and waited for. */
  | { readonly op: 'child'; readonly program: Program; readonly isCalled: boolean }
  | { readonly op: 'queued'; readonly program: Program; readonly queue: QueueName; readonly key: string }
  /** Messages that clients send. */
  | { readonly op: 'receive'; readonly name: string; readonly topic: string; readonly count: number }
  /** Sets an event that a child waits for, which answers with a message. */
  | { readonly op: 'exchange'; readonly name: string; readonly value: number; readonly child: Program }
  /** The child's part of it. */
  | { readonly op: 'answer'; readonly to: string; readonly name: string }
  /** Waits for a message that nobody sends. */
  | { readonly op: 'forever' }
  /** Kills its process. */
  | { readonly op: 'poison' };

export type PlainOp =
  | { readonly op: 'step'; readonly name: string; readonly add: number; readonly takesMs: number }
  | { readonly op: 'flaky'; readonly name: string; readonly add: number; readonly failures: number }
  /** Fails for good, with an error of the user's own. */
  | { readonly op: 'declined'; readonly name: string }
  /** Writes to the user's table in a transaction. */
  | { readonly op: 'book'; readonly name: string; readonly add: number }
  /** Between two steps. */
  | { readonly op: 'sleep'; readonly name: string; readonly ms: number };

export type QueueName = 'narrow' | 'keyed' | 'rated';

export const queueSettings = {
  narrow: { concurrency: 4, workerConcurrency: 2 },
  keyed: { concurrency: 8, perKey: { concurrency: 1 } },
  rated: { rateLimit: { limit: 5, per: 1_000 } },
} as const;

export const keys = ['red', 'green', 'blue'] as const;

/** How often the schedule's workflow is started. */
export const tickEveryMs = 2_000;
