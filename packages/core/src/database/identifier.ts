import { InvalidArgumentError } from '../errors/errors.js';

/** Makes a name safe to stand in SQL as an identifier. Nothing else in this package quotes. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Postgres cuts longer names off without an error, and two names could then mean one schema. */
const nameBytesMax = 63;

/**
 * Returns the name if it can name a schema. Every character but NUL is allowed, because names are always quoted; Postgres
 * keeps names that begin with `pg_` for itself.
 */
export function checkSchemaName(name: string): string {
  const bytes = Buffer.byteLength(name);
  if (bytes >= 1 && bytes <= nameBytesMax && !name.includes('\0') && !name.startsWith('pg_')) return name;
  throw new InvalidArgumentError(
    `A schema name takes 1 to ${nameBytesMax} bytes, holds no NUL and does not begin with pg_; ${JSON.stringify(name)} (${bytes} bytes) does not fit.`,
    { name },
  );
}
