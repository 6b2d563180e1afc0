import { openSync, writeSync } from 'node:fs';
import { currentRun } from '@perdure/core';
import type { LedgerEvent, LedgerLine } from '../ledger.js';

/** Appends to the ledger. A line is in the file when the call returns, so it survives a SIGKILL right after it. */
export class LedgerWriter {
  readonly #file: number;
  readonly #process: string;

  constructor(path: string, process: string) {
    this.#file = openSync(path, 'a');
    this.#process = process;
  }

  /** Notes that a step's body begins and, if it gets that far, that it ended. */
  async noted<T>(body: () => T | Promise<T>): Promise<T> {
    this.note('begin');
    const result = await body();
    this.note('end');
    return result;
  }

  note(event: LedgerEvent, what = ''): void {
    const run = currentRun();
    const line: LedgerLine = {
      event,
      process: this.#process,
      pid: process.pid,
      workflowId: run?.workflowId ?? 'none',
      key: run?.idempotencyKey ?? 'none',
      name: run?.step?.name ?? run?.workflowName ?? 'none',
      attempt: run?.step?.attempt ?? 0,
      what,
    };
    writeSync(this.#file, `${JSON.stringify(line)}\n`);
  }
}
