import { openSync, readFileSync, writeSync } from 'node:fs';
import { currentRun } from '@perdure/core';

export interface LedgerEntry {
  /** Which step of which run: the same each time that the step is tried. */
  readonly key: string;
  readonly pid: number;
  readonly event: 'begin' | 'end';
  readonly atMs: number;
}

/**
 * What the bodies of steps really did, noted outside the database: a line when one begins and one when it ends. Each line is
 * written before the code goes on, so it survives a SIGKILL.
 */
export class Ledger {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, 'a');
  }

  async note<T>(body: () => Promise<T>): Promise<T> {
    const key = currentRun()?.idempotencyKey ?? '';
    this.#write(key, 'begin');
    const result = await body();
    this.#write(key, 'end');
    return result;
  }

  #write(key: string, event: LedgerEntry['event']): void {
    const entry: LedgerEntry = { key, pid: process.pid, event, atMs: Date.now() };
    writeSync(this.#file, `${JSON.stringify(entry)}\n`);
  }

  static read(path: string): LedgerEntry[] {
    const lines = readFileSync(path, 'utf8').split('\n');
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as LedgerEntry);
  }
}
