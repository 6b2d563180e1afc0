import type { Started } from '../workflow/run-starter.js';
import type { PreparedStart } from './starts.js';

/** Who executes what a desk takes in: this process, or others. */
export interface Runner {
  /** Makes a run durable that is part of nobody's transaction. */
  readonly start: (starting: PreparedStart) => Promise<Started>;
  /** The executor that has this process' runs; null if there is none. */
  readonly executorId: () => string | null;
  /** Whether a run executes in this process. */
  readonly has: (workflowId: string) => boolean;
  /** Somebody cancelled these runs. */
  readonly cancel: (workflowIds: readonly string[]) => void;
  /** There may be runs to take. */
  readonly wake: () => void;
  /** Something may have happened that is otherwise found later. */
  readonly sweep: () => void;
  /** What is wrong with the writing of this process. */
  readonly problems: () => readonly string[];
}
