import type { EpochMs } from '../seams/clock.js';
import type { LongWait } from './durable-call.js';

/** What a run waits for that does nothing else. */
export interface Rest {
  /** When it has something to do in any case; null = never. */
  readonly wakeAt: EpochMs | null;
  readonly topics: readonly string[];
  readonly children: readonly string[];
  /** Events of other runs; without a key, their outcomes. */
  readonly events: readonly { readonly workflowId: string; readonly key: string | null }[];
}

/** What the open calls of a run wait for together; null if there is none, or if one of them does something itself. */
export function restOf(calls: readonly { readonly wait: LongWait | null }[], deadlineAt: EpochMs | null): Rest | null {
  const waits = calls.flatMap(({ wait }) => (wait === null ? [] : [wait]));
  if (calls.length === 0 || waits.length < calls.length) return null;
  const moments = [deadlineAt, ...waits.map(momentOf)].filter((at) => at !== null);
  return {
    wakeAt: moments.length === 0 ? null : Math.min(...moments),
    topics: [...new Set(waits.flatMap((wait) => (wait.kind === 'message' ? [wait.topic] : [])))],
    children: waits.flatMap((wait) => (wait.kind === 'child' ? [wait.workflowId] : [])),
    events: waits.flatMap((wait) => (wait.kind === 'event' ? [wait] : [])),
  };
}

function momentOf(wait: LongWait): EpochMs | null {
  switch (wait.kind) {
    case 'time':
      return wait.at;
    case 'message':
      return wait.until;
    case 'child':
    case 'event':
      return null;
  }
}
