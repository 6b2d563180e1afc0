import type { Database } from '../database/database.js';
import { postgres } from '../database/postgres.js';
import type { ClientOptions } from './engine-options.js';

/** A database, and whether whoever opened it here has to close it. */
export interface OpenDatabase {
  readonly database: Database;
  readonly isOwn: boolean;
}

/** The database that options name; null if they name none. */
export function openGivenDatabase({ database, pool, databaseUrl }: ClientOptions): OpenDatabase | null {
  if (database !== undefined) return { database, isOwn: false };
  if (pool !== undefined) return { database: postgres({ pool }), isOwn: true };
  if (databaseUrl !== undefined && databaseUrl !== '') return { database: postgres({ url: databaseUrl }), isOwn: true };
  return null;
}
