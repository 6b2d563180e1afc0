import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { currentRun } from '@perdure/core';
import type { LedgerWriter } from '../../recovery/children/ledger-writer.js';

/** What a shop notes, and where it waits until a test lets it on. */
export interface ShopTools {
  readonly ledger: LedgerWriter;
  /** Waits for a file of this name, and says so; gives up when its step no longer matters. */
  gate(name: string): Promise<void>;
}

export function shopTools(ledger: LedgerWriter, folder: string): ShopTools {
  return {
    ledger,
    async gate(name) {
      ledger.note('waits', name);
      const signal = currentRun()?.signal;
      while (!existsSync(join(folder, name))) {
        signal?.throwIfAborted();
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
  };
}
