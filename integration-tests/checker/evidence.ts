/**
 * What happened, from three sources that the engine cannot influence, and what should have. Nothing in this folder imports
 * anything of the engine. Times are milliseconds since 1970, by the clock of the one machine that all of it ran on.
 */
export interface Evidence {
  /** Which run of the suite it is of; with every violation. */
  readonly seed: string;
  readonly ledger: readonly LedgerLine[];
  readonly clients: readonly ClientEvent[];
  /** In the order of commits; within a transaction, executors come first, then runs. */
  readonly audit: readonly AuditEvent[];
  readonly faults: readonly Fault[];
  /** The rows that transactional steps wrote to the user's own table: one each time that one committed. */
  readonly booked: readonly Booking[];
  /** Looked at once all processes had left; null = they have not. */
  readonly rest: Rest | null;
  readonly rules: Rules;
}

/** Written by steps with O_APPEND, so that it survives a SIGKILL right after it. */
export interface LedgerLine {
  /**
   * `begin`, `end`: of a step's body. `received`: a step was given this message. `slot`: a step of a scheduled run.
   * `caught`: a `catch` block of a workflow ran.
   */
  readonly event: 'begin' | 'end' | 'received' | 'slot' | 'caught';
  readonly at: number;
  readonly process: string;
  readonly workflowId: string;
  /** Of the step. */
  readonly seq: number;
  readonly name: string;
  /** Which try of the step it is, from 1. */
  readonly attempt: number;
  /** Whether the step is transactional: its body may run again without a crash, and only one run of it commits. */
  readonly isTransaction?: boolean;
  /** Of a `begin`: the step begins after a sleep of so long, which began when the step with this number had ended. */
  readonly slept?: { readonly ms: number; readonly sinceSeq: number };
  /** The topic and the message, the slot in milliseconds, or the error. */
  readonly what: string;
}

/** What clients asked for and what they were told. `info`: they were told nothing, and do not know. */
export interface ClientEvent {
  readonly at: number;
  /** The same from the invocation to the answer. */
  readonly call: number;
  readonly client: string;
  readonly phase: 'invoke' | 'ok' | 'fail' | 'info';
  readonly kind: 'start' | 'send' | 'cancel' | 'result';
  readonly workflowId: string;
  /** Of a `send`: the topic and the message. Of a `result` that is `ok`: what it came to. */
  readonly what?: string;
  readonly result?: unknown;
}

interface Audited {
  /** When it was committed. */
  readonly at: number;
  readonly transaction: string;
  /** The process that wrote it, by the name of its connection. */
  readonly writer: string;
}

export type Change = 'insert' | 'update' | 'delete';

export interface RunEvent extends Audited {
  readonly noun: 'run';
  readonly change: Change;
  readonly workflowId: string;
  readonly name: string;
  readonly state: string;
  readonly executorId: string | null;
  readonly claimNo: number | null;
  readonly attempt: number;
  readonly crashes: number;
}

export interface CheckpointEvent extends Audited {
  readonly noun: 'checkpoint';
  readonly change: Change;
  readonly workflowId: string;
  readonly position: number;
  readonly seq: number;
  /** `attempt`: a try of a step that failed; `transaction`: a result that has yet to be delivered. */
  readonly kind: string;
  readonly name: string;
  readonly attempt: number;
}

export interface OutcomeEvent extends Audited {
  readonly noun: 'outcome';
  readonly change: Change;
  readonly workflowId: string;
  readonly kind: string;
}

export interface ItemEvent extends Audited {
  readonly noun: 'item';
  readonly workflowId: string;
  readonly queue: string;
  readonly key: string;
  /** The lowest goes first: level, rank and place. */
  readonly order: readonly [number, number, number];
  readonly was: string | null; // null = inserted
  readonly is: string | null; // null = deleted
  readonly executorId: string | null;
  readonly deduplicationId: string | null;
}

export interface AdmissionEvent extends Audited {
  readonly noun: 'admission';
  readonly queue: string;
  readonly units: number;
  readonly admittedAt: number;
}

export interface ExecutorEvent extends Audited {
  readonly noun: 'executor';
  readonly change: Change;
  readonly executorId: string;
  readonly isRevoked: boolean;
}

export type AuditEvent = RunEvent | CheckpointEvent | OutcomeEvent | ItemEvent | AdmissionEvent | ExecutorEvent;

/** What was done to processes and to the database. */
export interface Fault {
  readonly at: number;
  /** `stop` and `continue`: SIGSTOP and SIGCONT. `outage` and `back`: Postgres is down, and accepts connections again. */
  readonly kind: 'kill' | 'stop' | 'continue' | 'term' | 'cut' | 'terminate' | 'outage' | 'back' | 'deploy';
  readonly process: string; // '' = all
}

export interface Booking {
  readonly workflowId: string;
  readonly seq: number;
}

/** Counts of what should be gone. */
export type Rest = Readonly<Record<string, number>>;

export interface Rules {
  /** What each run should come to, by its workflow id. */
  readonly expected: ReadonlyMap<string, Expectation>;
  readonly queues: readonly QueueRule[];
  readonly schedules: readonly ScheduleRule[];
  /** How soon after a cancellation no step of the run begins any more. */
  readonly cancelGraceMs: number;
  /** How long after it was stopped a process may take to notice that its lease has gone. */
  readonly noticeMs: number;
  /** How far the clocks of processes and database may be apart. */
  readonly clockToleranceMs: number;
  /** After how many crashes without progress a run is given up: one more. */
  readonly crashesMax: number;
  /** The names of errors that users' own code throws. */
  readonly userErrors: readonly string[];
}

/** By a pure model of the program. */
export interface Expectation {
  /** `cancelled`: it waits for ever and is cancelled. `dead`: it kills each process that executes it. */
  readonly end: 'completed' | 'cancelled' | 'dead';
  readonly result: unknown;
  /** The names of its steps, in any order; those of which one or another may be, in one text, with `|` between. */
  readonly steps: readonly string[];
  /** How many transactional steps it has. */
  readonly bookings: number;
  /** How many messages of each topic it takes. */
  readonly receives: Readonly<Record<string, number>>;
}

export interface QueueRule {
  readonly name: string;
  readonly concurrency?: number;
  readonly workerConcurrency?: number;
  readonly keyConcurrency?: number;
  readonly rate?: { readonly units: number; readonly periodMs: number };
  /** Items that have stood in line for this long are not overtaken; null = keys take turns, and no order holds for all. */
  readonly overtakenAfterMs: number | null;
}

export interface ScheduleRule {
  /** Of the workflow that its slots start. */
  readonly workflow: string;
  readonly everyMs: number;
  /** Its slots are so many periods after this moment. */
  readonly countedFrom: number;
  /** Each slot after the one and before the other has its run. */
  readonly from: number;
  readonly until: number;
}
