import { readFileSync } from 'node:fs';

/**
 * `begin`, `end`: of a step's body. `waits`: it has come to a gate. `aborted`: its signal fired there.
 * `caught`: a `catch` block of a workflow ran. `finally`: a `finally` block ran although what it guards was not answered.
 * `works for`: the request that it was started by.
 * `did`: who uses the engine heard that something is done.
 */
export type LedgerEvent = 'begin' | 'end' | 'waits' | 'aborted' | 'caught' | 'finally' | 'did' | 'works for';

export interface LedgerLine {
  readonly event: LedgerEvent;
  readonly process: string;
  readonly pid: number;
  readonly workflowId: string;
  /** The idempotency key: the same for each try of a step in each process. */
  readonly key: string;
  readonly name: string;
  /** The try of the step that this is, from 1. */
  readonly attempt: number;
  readonly what: string;
}

/** What step bodies did in all processes, in the order in which it happened. The engine knows nothing of it. */
export function readLedger(path: string): LedgerLine[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.slice(0, -1).map((line) => JSON.parse(line) as LedgerLine);
}

/** How often each step began, by its idempotency key. */
export function countBegins(lines: readonly LedgerLine[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { event, key } of lines) if (event === 'begin') counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}
