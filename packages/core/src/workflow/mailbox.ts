import type { Message } from '../store/messages.js';

/** A receive that is open. */
export interface MessageWait {
  readonly workflowId: string;
  readonly topic: string;
  /** How often the whole workflow was retried before. */
  readonly retries: number;
  /** The messages that the run has taken and that are not recorded yet; what is found is added. */
  readonly received: Set<number>;
  /** Aborts when nobody waits any more. */
  readonly signal: AbortSignal;
}

/** Where the messages of a process's runs are found. */
export interface Mailbox {
  /** The oldest message that nobody has taken. Never settles once the wait is aborted. */
  next(wait: MessageWait): Promise<Message>;
  /** Resolves when everything that had been sent to the run before has been looked at, and found by who waits for it. */
  lookNow(workflowId: string): Promise<void>;
}
