import type { Database, Row, Statement } from '@perdure/core/internal';
import { passOn } from '../../support/pass-on.js';

export interface ZombieOptions {
  readonly leaseMs: number;
  /** The fence stopped a write. */
  readonly onRefused: () => void;
}

/**
 * The worst case of a process that wakes up after its lease: it writes before it can notice. A heartbeat that comes more
 * than a lease after the last one is held back until a write has been answered.
 */
export function zombieDatabase(database: Database, { leaseMs, onRefused }: ZombieOptions): Database {
  let lastBeatMs = performance.now();
  const heldBack: (() => void)[] = [];
  return {
    ...passOn(database),
    async query<R extends Row>(statement: Statement): Promise<R[]> {
      if (statement.name.endsWith('_heartbeat')) {
        const silentMs = performance.now() - lastBeatMs;
        lastBeatMs = performance.now();
        if (silentMs > leaseMs) await new Promise<void>((resolve) => heldBack.push(resolve));
      }
      const rows = await database.query<R>(statement);
      if (statement.name.includes('_flush_')) {
        if (rows[0]?.['held'] === false) onRefused();
        heldBack.splice(0).forEach((send) => send());
      }
      return rows;
    },
  };
}
