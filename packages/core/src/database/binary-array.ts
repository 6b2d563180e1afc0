import type { ArrayParameter, Parameter, Scalar } from './database.js';

/**
 * Encodes an array in Postgres' binary format, which costs the client and the server less than the text format.
 *
 * The statement must cast the parameter to exactly this type (`$1::text[]`): Postgres refuses any other.
 */
export function encodeArray({ arrayOf, values }: ArrayParameter): Buffer {
  const element = elements[arrayOf];
  const sizes = values.map((value) => (value === null ? 0 : element.byteSize(value)));
  const buffer = Buffer.allocUnsafe(sizes.reduce((sum, size) => sum + 4 + size, values.length === 0 ? 12 : 20));

  let at = buffer.writeInt32BE(values.length === 0 ? 0 : 1, 0); // dimensions
  at = buffer.writeInt32BE(values.includes(null) ? 1 : 0, at);
  at = buffer.writeInt32BE(element.oid, at);
  if (values.length === 0) return buffer;
  at = buffer.writeInt32BE(values.length, at);
  at = buffer.writeInt32BE(1, at); // the first index

  values.forEach((value, index) => {
    const size = sizes[index] ?? 0;
    at = buffer.writeInt32BE(value === null ? -1 : size, at);
    if (value !== null) element.write(value, buffer, at);
    at += size;
  });
  return buffer;
}

/** A statement's parameter as both drivers take it: bytes are sent as they are, in the binary format. */
export function encodeParameter(value: Parameter): unknown {
  return typeof value === 'object' && value !== null ? encodeArray(value) : value;
}

/** A value that is not of the array's type. It has the SQLSTATE that the server would answer with. */
class ArrayElementError extends Error {
  readonly code = '22P02';

  constructor(arrayOf: string, value: unknown) {
    super(`${JSON.stringify(value)} is not a value for ${arrayOf}[]`);
    this.name = 'ArrayElementError';
  }
}

interface Element {
  readonly oid: number;
  byteSize(value: NonNullable<Scalar>): number;
  write(value: NonNullable<Scalar>, buffer: Buffer, at: number): void;
}

const elements: Record<ArrayParameter['arrayOf'], Element> = {
  text: {
    oid: 25,
    byteSize: (value) => Buffer.byteLength(textOf(value)),
    write: (value, buffer, at) => buffer.write(textOf(value), at),
  },
  int4: {
    oid: 23,
    byteSize: () => 4,
    write(value, buffer, at) {
      if (typeof value !== 'number' || value !== (value | 0)) throw new ArrayElementError('int4', value);
      buffer.writeInt32BE(value, at);
    },
  },
  int8: {
    oid: 20,
    byteSize: () => 8,
    write(value, buffer, at) {
      if (!Number.isSafeInteger(value)) {
        buffer.writeBigInt64BE(bigintOf(value), at);
        return;
      }
      // In two halves, which costs a third of a bigint.
      const number = value as number;
      buffer.writeInt32BE(Math.floor(number / 2 ** 32), at);
      buffer.writeUInt32BE(number >>> 0, at + 4);
    },
  },
  bool: {
    oid: 16,
    byteSize: () => 1,
    write(value, buffer, at) {
      if (typeof value !== 'boolean') throw new ArrayElementError('bool', value);
      buffer.writeUInt8(value ? 1 : 0, at);
    },
  },
  uuid: {
    oid: 2950,
    byteSize: () => 16,
    write(value, buffer, at) {
      const isUuid = typeof value === 'string' && uuidPattern.test(value);
      if (!isUuid) throw new ArrayElementError('uuid', value);
      buffer.write(value.replaceAll('-', ''), at, 'hex');
    },
  },
};

const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function textOf(value: NonNullable<Scalar>): string {
  return typeof value === 'string' ? value : String(value);
}

/** Numbers must be exact (up to 2^53); larger values may come as decimal strings. */
function bigintOf(value: NonNullable<Scalar>): bigint {
  const bigint = typeof value === 'string' && /^-?\d{1,19}$/.test(value) ? BigInt(value) : null;
  if (bigint === null || BigInt.asIntN(64, bigint) !== bigint) throw new ArrayElementError('int8', value);
  return bigint;
}
