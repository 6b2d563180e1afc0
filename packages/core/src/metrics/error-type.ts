import { PerdureError } from '../errors/perdure-error.js';

/** What semantic conventions call whatever has no name that may be told. */
const other = '_OTHER';

/**
 * The kind of an error for `error.type`: the code of an error of ours, else the name of its class. User code may name an error
 * as it likes: what doesn't look like a class's name is not told, as it could be anything.
 */
export function errorTypeOf(read: () => unknown): string {
  try {
    const error = read();
    if (error instanceof PerdureError) return error.code;
    if (!(error instanceof Error)) return other;
    return /^[A-Z][A-Za-z0-9]{0,59}$/.test(error.name) ? error.name : other;
  } catch {
    return other;
  }
}
