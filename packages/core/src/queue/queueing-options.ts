import type { Duration } from '../util/duration.js';

/** What is to happen where another run holds the deduplication id. */
export type DeduplicationPolicy = 'reject' | 'attach' | 'latest';

/** How a run waits in a queue. */
export interface QueueingOptions {
  /** What the queue's `perKey` limits count by, and what takes turns: a tenant, a customer, an account. */
  readonly key?: string;
  /** The lowest goes first; 0 by default. Between -2,147,483,648 and 2,147,483,647. */
  readonly priority?: number;
  /** How long to wait before it stands in line. */
  readonly delay?: Duration;
  /** The moment from which it stands in line, where that is known rather than a duration. */
  readonly runAt?: Date;
  /** What it is worth to a rate limit; 1 by default. */
  readonly units?: number;
  /**
   * At most one unfinished run of the queue has this id. Where one has: `reject` (default) throws a
   * {@link DuplicateItemError}, `attach` answers with the run that is there, and `latest` gives the input to the run
   * that waits, while beside a running one it waits itself.
   */
  readonly deduplication?: { readonly id: string; readonly policy?: DeduplicationPolicy };
  /**
   * Runs once, with the last input, when nothing was enqueued under this id for `wait`; at the latest `max` after the first.
   */
  readonly debounce?: { readonly id: string; readonly wait: Duration; readonly max?: Duration };
}
