import { constants } from 'node:buffer';
import { parse, stringify } from 'devalue';
import { PayloadTooLargeError, UnreadablePayloadError, UnsupportedValueError } from '../errors/errors.js';
import {
  decodeErrorFields,
  type ErrorClass,
  type ErrorFields,
  errorTable,
  isError,
  StoredError,
  summarizeError,
} from './error-codec.js';
import { isPlainJson } from './plain-json.js';
import { prepare } from './prepare.js';
import { walkOf } from './walk.js';

export type { ErrorClass } from './error-codec.js';

/** Turns values into the text that is stored, and back. */
export interface Codec {
  /** @throws {UnsupportedValueError} | {@link PayloadTooLargeError} */
  encode(value: unknown): string | null;
  /** For what the engine itself records, such as a marker: it is never refused for its size, only what it holds may be. */
  encodeRecord(record: unknown): string;
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
 * members, typed arrays, errors, objects that occur twice) is stored in the format of the library `devalue`, behind a prefix that no JSON
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
    const text = textOf(value, bytesMax);
    const bytes = Buffer.byteLength(text);
    if (bytes > bytesMax) throw new PayloadTooLargeError(bytes, bytesMax);
    return text;
  }

  function textOf(value: unknown, bytesMax: number): string {
    try {
      if (isJson(value, bytesMax)) return JSON.stringify(value);
      return prefix + stringify(prepare(value, walkOf(bytesMax)), reducers);
    } catch (error) {
      if (error instanceof UnsupportedValueError || error instanceof PayloadTooLargeError) throw error;
      if (isTooLong(error)) throw new PayloadTooLargeError(constants.MAX_STRING_LENGTH, bytesMax);
      throw new UnsupportedValueError('$', 'data that cannot be written as text', error);
    }
  }

  function summary(error: Error): string {
    return prefix + stringify(summarizeError(error), reducers);
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
    encodeRecord: (record) => encodeWithin(record, Infinity),
    decode,
    encodeError(error) {
      if (error === undefined) return undefinedText;
      const bytesMax = Math.max(maxBytes, errorBytesMin);
      try {
        return encodeWithin(error, bytesMax);
      } catch (unstorable) {
        // Either of the two errors that encode() throws, and then that is what there is to say.
        return isError(error) ? summary(error) : encodeWithin(unstorable, Infinity);
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
function isJson(value: unknown, bytesMax: number): boolean {
  try {
    return isPlainJson(value, bytesMax);
  } catch {
    return false;
  }
}

/** The two ways in which Node says that a text would be longer than a text can be. */
function isTooLong(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error.message === 'Invalid string length' || ('code' in error && error.code === 'ERR_STRING_TOO_LONG');
}
