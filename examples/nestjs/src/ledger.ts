import { appendFileSync } from 'node:fs';
import { Inject, Injectable } from '@nestjs/common';

export const ledgerFile = 'LEDGER_FILE';

/** What the demo counts: every step that a process begins. */
@Injectable()
export class Ledger {
  constructor(@Inject(ledgerFile) private readonly file: string) {}

  /** In the file before the code goes on, so that a SIGKILL does not lose it. */
  note(step: string): void {
    appendFileSync(this.file, `${JSON.stringify({ pid: process.pid, step })}\n`);
  }
}
