import { InvalidArgumentError } from '../errors/errors.js';
import type { Attributes } from '../store/records.js';
import { checkKey } from './names.js';

const bytesMax = 8 * 1024;

/** Changes of attributes: what is null goes. */
export type AttributeChanges = Readonly<Record<string, string | number | boolean | null>>;

/** As they are stored; null where there are none. @throws {InvalidArgumentError} for what is none, or too large */
export function encodeAttributes(attributes: Attributes | undefined): string | null {
  if (attributes === undefined) return null;
  const entries = checked(attributes, false);
  return entries.length === 0 ? null : JSON.stringify(Object.fromEntries(entries));
}

/** What is set, as it is stored, and what goes. @throws {InvalidArgumentError} for what is no attribute, or too large */
export function encodeChanges(changes: AttributeChanges): {
  readonly set: string;
  readonly removed: readonly string[];
} {
  const entries = checked(changes, true);
  return {
    set: JSON.stringify(Object.fromEntries(entries.filter(([, value]) => value !== null))),
    removed: entries.flatMap(([key, value]) => (value === null ? [key] : [])),
  };
}

function checked(attributes: AttributeChanges, mayRemove: boolean): [string, string | number | boolean | null][] {
  if (typeof attributes !== 'object' || attributes === null || Array.isArray(attributes)) {
    throw new InvalidArgumentError('attributes must be an object');
  }
  const entries = Object.entries(attributes);
  for (const [key, value] of entries) {
    checkKey('The name of an attribute', key);
    if (value === null && mayRemove) continue;
    if (typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))) continue;
    if (typeof value === 'string' && !/\0|\p{Cs}/u.test(value)) continue;
    throw new InvalidArgumentError(`The attribute "${key}" must be a text, a number or a boolean`);
  }
  const bytes = Buffer.byteLength(JSON.stringify(attributes));
  if (bytes <= bytesMax) return entries;
  throw new InvalidArgumentError(`The attributes take ${bytes} bytes; ${bytesMax} are stored at most`);
}
