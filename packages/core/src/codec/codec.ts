import { parse, stringify } from 'devalue';
import { PayloadTooLargeError, UnreadablePayloadError } from '../errors/errors.js';
import { decodeErrorValue, encodeErrorValue, type ErrorFields, errorTable } from './error-codec.js';
import { isPlainJson } from './plain-json.js';
import { prepare } from './prepare.js';

/** A class of errors, matched by its name and never constructed. */
export type ErrorClass = abstract new (...args: never[]) => Error;

/** Turns values into the text that is stored, and back. */
export interface Codec {
  /** @throws {@link UnsupportedValueError} | {@link PayloadTooLargeError} */
  encode(value: unknown): string | null;
  /** @throws {@link UnreadablePayloadError} */
  decode(text: string | null): unknown;
  /** Never throws: of an error that cannot be stored whole, what can be is. */
  encodeError(error: unknown): string;
  /** What was thrown; an Error has its class again if that class is known. */
  decodeError(text: string): unknown;
}

const prefix = 'devalue:';

/**
 * Plain JSON is stored as exactly that, readable by anybody. Whatever JSON cannot hold (dates, bigint, Map, Set, undefined
 * members, typed arrays, errors, cycles) is stored in the format of the library `devalue`, behind a prefix that no JSON
 * text begins with. `undefined` itself is null.
 */
export function createCodec(options: { readonly errorClasses: readonly ErrorClass[]; readonly maxBytes: number }): Codec {
  const errors = errorTable(options.errorClasses);

  function encode(value: unknown): string | null {
    if (value === undefined) return null;
    const text = isPlainJson(value)
      ? JSON.stringify(value)
      : prefix + stringify(prepare(value), { Error: (item: unknown) => item instanceof Error && encodeErrorValue(item) });
    return checkSize(text);
  }

  function checkSize(text: string): string {
    const bytes = Buffer.byteLength(text);
    if (bytes > options.maxBytes) throw new PayloadTooLargeError(bytes, options.maxBytes);
    return text;
  }

  function decode(text: string | null): unknown {
    if (text === null) return undefined;
    try {
      if (!text.startsWith(prefix)) return JSON.parse(text) as unknown;
      return parse(text.slice(prefix.length), { Error: (fields: ErrorFields) => decodeErrorValue(fields, errors) });
    } catch (cause) {
      throw new UnreadablePayloadError(cause);
    }
  }

  return {
    encode,
    decode,
    encodeError(error) {
      try {
        return encode(error) ?? 'null';
      } catch (unstorable) {
        return encode(unstorable) ?? 'null';
      }
    },
    decodeError: decode,
  };
}
