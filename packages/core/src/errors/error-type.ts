import { PerdureError } from './perdure-error.js';

/** What semantic conventions call whatever has no name that may be told. */
const other = '_OTHER';

/**
 * The kind of an error for `error.type`: the code of an error of ours, of Postgres or of the system, else the name of its class.
 * User code may name an error as it likes, and may throw while it is looked at: what doesn't look like a class's name is not
 * told, as it could be anything.
 */
export function errorTypeOf(read: () => unknown): string {
  try {
    const error = read();
    if (error instanceof PerdureError) return error.code;
    if (!(error instanceof Error)) return other;
    return codeOf(error) ?? (/^[A-Z][A-Za-z0-9]{0,59}$/.test(error.name) ? error.name : other);
  } catch {
    return other;
  }
}

/** The code of an error that looks in all else, too, as the drivers of Postgres or the system make theirs; null = it doesn't. */
function codeOf(error: Error): string | null {
  const { name, code, severity, syscall } = error as Error & Readonly<Record<string, unknown>>;
  if (typeof code !== 'string') return null;
  const isSqlState = name === 'error' && typeof severity === 'string' && /^(?=.*\d)[0-9A-Z]{5}$/.test(code);
  const isErrno = name === 'Error' && typeof syscall === 'string' && /^E[A-Z0-9_]{2,19}$/.test(code);
  return isSqlState || isErrno ? code : null;
}
