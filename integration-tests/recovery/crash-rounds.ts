import { type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { forkChild } from '../support/children.js';

/** What one process of the every-checkpoint test is to do; see `children/crash-round.ts`. */
export interface CrashRound {
  readonly target:
    { readonly kind: 'postgres'; readonly url: string } | { readonly kind: 'pglite'; readonly folder: string };
  readonly schema: string;
  readonly ledger: string;
  readonly mode: 'new runs' | 'same run';
  /**
   * With `new runs`: after how many durable items the runs that this process starts are stopped; it first finishes those
   * that the one before left. With `same run`: from 1; each process takes the runs one durable item further.
   */
  readonly point: number;
  /** The cases that the round before stopped. */
  readonly unfinished: readonly string[];
}

export type RoundReport =
  /** What was recorded when the process began. `attempt`: a try of a step that failed. */
  | { readonly kind: 'found'; readonly steps: readonly { readonly key: string; readonly kind: string }[] }
  | { readonly kind: 'ended'; readonly results: readonly CaseResult[]; readonly stopped: readonly string[] };

export interface CaseResult {
  readonly name: string;
  readonly result: unknown;
  readonly expected: unknown;
}

/** A case has come to its end, or only to its point. */
export type RoundEnd = CaseResult | { readonly name: string };

export interface Round {
  readonly pid: number;
  readonly found: Extract<RoundReport, { kind: 'found' }>['steps'];
  readonly results: readonly CaseResult[];
  readonly stopped: readonly string[];
}

/** Runs one round to its end, which is a SIGKILL. */
export async function runRound(
  round: CrashRound,
  log: string,
  onSpawned: (child: ChildProcess) => void,
): Promise<Round> {
  const output = openSync(log, 'a');
  const child = forkChild(new URL('./children/crash-round.ts', import.meta.url), [JSON.stringify(round)], output);
  onSpawned(child);
  closeSync(output);
  const reports: RoundReport[] = [];
  child.on('message', (report: RoundReport) => reports.push(report));
  // The last message may come after the news of the end, but not after the end of the channel.
  const [exit] = await Promise.all([once(child, 'exit'), once(child, 'disconnect')]);
  const [, signal] = exit as [number | null, NodeJS.Signals | null];
  const [found, ended] = reports;
  if (found?.kind !== 'found' || ended?.kind !== 'ended' || signal !== 'SIGKILL') {
    throw new Error(`The process of round ${round.point} failed:\n${readFileSync(log, 'utf8')}`);
  }
  return { pid: child.pid!, found: found.steps, results: ended.results, stopped: ended.stopped };
}
