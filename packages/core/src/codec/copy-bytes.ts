import { types } from 'node:util';

/**
 * The visible bytes alone, in memory of their own. What lies beside a view in the same memory is not part of the value,
 * and may be anybody's: Node keeps small Buffers of all requests in one pool. A Buffer becomes a Uint8Array, shared memory
 * becomes memory that isn't.
 */
export function copyBytes(value: ArrayBufferLike | ArrayBufferView): ArrayBuffer | ArrayBufferView {
  if (!ArrayBuffer.isView(value)) return bytesOf(value, 0, value.byteLength);
  const bytes = bytesOf(value.buffer, value.byteOffset, value.byteLength);
  if (types.isDataView(value)) return new DataView(bytes);
  return new (constructorOf(value))(bytes);
}

type ViewConstructor = new (bytes: ArrayBuffer) => ArrayBufferView;

/** The built-in class, also of a subclass or of another realm: the tag is read from an internal slot. */
function constructorOf(view: ArrayBufferView): ViewConstructor {
  const tag = (view as Uint8Array)[Symbol.toStringTag];
  return (globalThis as unknown as Record<string, ViewConstructor>)[tag] ?? Uint8Array;
}

function bytesOf(memory: ArrayBufferLike, offset: number, length: number): ArrayBuffer {
  const copy = new Uint8Array(length);
  copy.set(new Uint8Array(memory, offset, length));
  return copy.buffer;
}
