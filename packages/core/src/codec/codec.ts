import { parse, stringify } from 'devalue';
import { PayloadTooLargeError, UnreadablePayloadError, UnsupportedValueError } from '../errors/errors.js';
import { decodeErrorFields, type ErrorClass, type ErrorFields, errorTable, StoredError } from './error-codec.js';
import { isPlainJson } from './plain-json.js';
import { prepare } from './prepare.js';

export type { ErrorClass } from './error-codec.js';

/** Turns values into the text that is stored, and back. */
export interface Codec {
  /** @throws {UnsupportedValueError} | {@link PayloadTooLargeError} */
  encode(value: unknown): string | null;
  /** @throws {UnreadablePayloadError} */
  decode(text: string | null): unknown;
  /** Never throws: of an error that cannot be stored whole, what can be is. */
  encodeError(error: unknown): string;
  /** What was thrown; an error has its class again if that class is known. */
  decodeError(text: string): unknown;
}

export interface CodecOptions {
  readonly errorClasses: readonly ErrorClass[];
  readonly maxBytes: number;
}

const prefix = 'devalue:';

/**
 * Plain JSON is stored as exactly that, readable by anybody. Whatever JSON cannot hold (dates, bigint, Map, Set, undefined
 * members, typed arrays, errors, cycles) is stored in the format of the library `devalue`, behind a prefix that no JSON
 * text begins with. `undefined` itself is null.
 */
export function createCodec({ errorClasses, maxBytes }: CodecOptions): Codec {
  const classes = errorTable(errorClasses);
  const reducers = { Error: (item: unknown) => item instanceof StoredError && item.fields };
  const revivers = { Error: (fields: ErrorFields) => decodeErrorFields(fields, classes) };

  function encode(value: unknown): string | null {
    return value === undefined ? null : encodeWithin(value, maxBytes);
  }

  function encodeWithin(value: unknown, bytesMax: number): string {
    const text = isJson(value) ? JSON.stringify(value) : prefix + stringify(prepare(value), reducers);
    const bytes = Buffer.byteLength(text);
    if (bytes > bytesMax) throw new PayloadTooLargeError(bytes, bytesMax);
    return text;
  }

  function decode(text: string | null): unknown {
    if (text === null) return undefined;
    try {
      return text.startsWith(prefix) ? parse(text.slice(prefix.length), revivers) : (JSON.parse(text) as unknown);
    } catch (cause) {
      throw new UnreadablePayloadError(cause);
    }
  }

  return {
    encode,
    decode,
    encodeError(error) {
      try {
        return error === undefined ? undefinedText : encodeWithin(error, Math.max(maxBytes, errorBytesMin));
      } catch (unstorable) {
        return encodeWithin(summaryOf(error, unstorable), Infinity);
      }
    },
    decodeError: decode,
  };
}

/** Why a value was refused must fit, however small the values themselves have to be. */
const errorBytesMin = 64 * 1024;

/** `undefined` may be thrown, and is not the same as no error. */
const undefinedText = prefix + stringify(undefined);

/** A value that throws while it is looked at is not JSON; what it is instead is said later, with its path. */
function isJson(value: unknown): boolean {
  try {
    return isPlainJson(value);
  } catch {
    return false;
  }
}

/** What stands for an error that is too large or not data at all. */
function summaryOf(error: unknown, unstorable: unknown): Error {
  if (!(error instanceof Error))
    return unstorable instanceof Error ? unstorable : new UnsupportedValueError('$', typeof error);
  const summary = new Error(error.message.slice(0, 1_000));
  summary.name = error.name.slice(0, 200);
  summary.stack = error.stack?.slice(0, 1_000) ?? '';
  return summary;
}
