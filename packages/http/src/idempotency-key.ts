import { HttpProblem } from './problem.js';
import { parseStringItem } from './structured-field.js';

export interface KeyFormat {
  /** `strict`: only the quoted form that the draft asks for; `lenient` (default): also the bare one that clients send. */
  readonly syntax: 'strict' | 'lenient';
  /** What the text must look like; null = anything. */
  readonly format: 'uuid' | RegExp | null;
}

const charsMax = 255;
/** A quoted key may be longer on the wire than it is: escapes, parameters. Beyond this nothing is looked at. */
const fieldCharsMax = 1_024;
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * The key in a header's value. Checked before anything is looked up; whatever passes is only ever hashed.
 *
 * @throws {HttpProblem} 400 for a value that is no key
 */
export function parseKey(field: string, { syntax, format }: KeyFormat): string {
  if (field.length > fieldCharsMax) throw invalid('The idempotency key is too long.');
  const text = field.trim();
  const key = text.startsWith('"') || syntax === 'strict' ? parseStringItem(text) : parseBare(text);
  if (key === null) {
    throw invalid(
      syntax === 'strict'
        ? 'The idempotency key must be one string in double quotes.'
        : 'The idempotency key must be one string of visible ASCII characters, best in double quotes.',
    );
  }
  if (key.trim() === '') throw invalid('The idempotency key must not be empty.');
  if (key.length > charsMax) throw invalid(`The idempotency key must not be longer than ${charsMax} characters.`);
  if (format === 'uuid' ? !uuid.test(key) : format !== null && key.search(format) === -1) {
    throw invalid('The idempotency key does not have the format that this endpoint asks for.');
  }
  return key;
}

/** What a server without a list of keys sees as one: visible ASCII without quotes, and without the comma of a joined list. */
function parseBare(text: string): string | null {
  return /^[\x21\x23-\x2b\x2d-\x7e]+$/.test(text) ? text : null;
}

export const keyRepeated = (): HttpProblem => invalid('The idempotency key must come once.');

const invalid = (detail: string): HttpProblem => new HttpProblem(400, 'key-invalid', 'Invalid idempotency key', detail);
