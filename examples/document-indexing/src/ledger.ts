import { openSync, readFileSync, writeSync } from 'node:fs';
import { currentRun } from '@perdure/core';

export interface LedgerLine {
  readonly event: 'begin' | 'end';
  /** Which step of which run: the same each time that it is tried, in any process. */
  readonly key: string;
  readonly step: string;
  readonly pid: number;
  readonly atMs: number;
}

/**
 * What the bodies of the steps really did, noted outside the database: a line when one begins, and one when it has
 * ended. A line is in the file before the code goes on, so a SIGKILL does not lose it.
 */
export class Ledger {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, 'a');
  }

  /** The same function, which now leaves its two lines. */
  noted<Args extends readonly unknown[], Result>(body: (...args: Args) => Promise<Result>) {
    return async (...args: Args): Promise<Result> => {
      this.#note('begin');
      const result = await body(...args);
      this.#note('end');
      return result;
    };
  }

  #note(event: LedgerLine['event']): void {
    const run = currentRun();
    const line: LedgerLine = {
      event,
      key: run?.idempotencyKey ?? 'none',
      step: run?.step?.name ?? 'none',
      pid: process.pid,
      atMs: Date.now(),
    };
    writeSync(this.#file, `${JSON.stringify(line)}\n`);
  }
}

export function readLedger(path: string): LedgerLine[] {
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as LedgerLine);
}
