import { InvalidArgumentError } from '../errors/errors.js';
import { told } from '../util/given.js';

/** Makes a name safe to stand in SQL as an identifier. Nothing else in this package quotes. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Postgres cuts longer names off without an error, and two names could then mean one schema. */
const nameBytesMax = 63;

/**
 * Returns the name if it can name a schema. Every character but NUL is allowed, because names are always quoted; `$$` would
 * end the bodies of functions that the name is in, and Postgres keeps names that begin with `pg_` for itself.
 */
export function checkSchemaName(name: string): string {
  if (typeof name !== 'string') throw new InvalidArgumentError(`schema must be a string, not ${told(name)}`);
  const bytes = Buffer.byteLength(name);
  const isTaken = name.startsWith('pg_') || name.includes('$$') || name.includes('\0');
  if (bytes >= 1 && bytes <= nameBytesMax && !isTaken) return name;
  throw new InvalidArgumentError(
    `A schema name takes 1 to ${nameBytesMax} bytes, holds no NUL and no $$, and does not begin with pg_; ${JSON.stringify(name)} (${bytes} bytes) does not fit.`,
    { name },
  );
}
