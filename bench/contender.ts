/** What the workflow of every contender tells, in this order: it begins, it has its message, it is about to return. */
export type Moment = 'began' | 'received' | 'returning';

/** What a worker sends to its parent. */
export type Report = 'ready' | { readonly id: string; readonly moment: Moment; readonly atMs: number };

/** One system, with a client in this process and a worker in another, on one Postgres. */
export interface Contender {
  readonly name: string;
  /** Hands a run over to the worker; resolves when it is durable. */
  readonly enqueue: (id: string) => Promise<void>;
  readonly send: (id: string) => Promise<void>;
  /** Resolves when this process has the run's result. */
  readonly result: (id: string) => Promise<void>;
  /** Resolves when the worker tells of it. */
  readonly told: (id: string, moment: Moment) => Promise<number>;
  readonly close: () => Promise<void>;
}
