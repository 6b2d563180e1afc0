import { openSync, writeSync } from 'node:fs';
import { currentRun } from '@perdure/core';
import type { LedgerLine } from '../../checker/evidence.js';

/** Writes the checker's ledger. A line is in the file when the call returns. */
export class Ledger {
  readonly #file: number;
  readonly #process: string;

  constructor(path: string, process: string) {
    this.#file = openSync(path, 'a');
    this.#process = process;
  }

  /** Notes that a step's body begins and, if it gets that far, that it ended. */
  async noted<T>(body: () => T | Promise<T>, more: Partial<LedgerLine> = {}): Promise<T> {
    this.note('begin', more);
    const result = await body();
    this.note('end', more);
    return result;
  }

  note(event: LedgerLine['event'], more: Partial<LedgerLine> = {}): void {
    const run = currentRun();
    const line: LedgerLine = {
      event,
      at: Date.now(),
      process: this.#process,
      workflowId: run?.workflowId ?? '',
      seq: run?.step?.seq ?? -1,
      name: run?.step?.name ?? run?.workflowName ?? '',
      attempt: run?.step?.attempt ?? 0,
      what: '',
      ...more,
    };
    writeSync(this.#file, `${JSON.stringify(line)}\n`);
  }
}
