import { types } from 'node:util';
import { PayloadTooLargeError, UnsupportedValueError } from '../errors/errors.js';
import { isError, prepareError, StoredError } from './error-codec.js';
import { copyBytes } from './copy-bytes.js';
import { checkFits, countMember, inside, unsupported, type Walk } from './walk.js';

const depthMax = 500;

/**
 * A copy of a value that holds nothing but what the format can express. Objects with `toJSON` become what that returns,
 * other instances of classes their own enumerable data, errors {@link StoredError}. What a value is, is asked in ways that
 * also hold for one of another realm (`node:vm`, and so each test file in Jest).
 *
 * @throws {UnsupportedValueError} with the path of a function, a symbol, a promise or another thing that is not data
 * @throws {PayloadTooLargeError} for what is certain not to fit
 */
export function prepare(value: unknown, walk: Walk): unknown {
  countMember(walk);
  if (typeof value === 'string') checkFits(value.length, walk);
  if (typeof value === 'function' || typeof value === 'symbol') throw unsupported(walk, `a ${typeof value}`);
  if (typeof value !== 'object' || value === null) return value;
  if (walk.shared.copies.has(value)) return known(walk.shared.copies.get(value), walk);
  if (walk.depth > depthMax) throw unsupported(walk, `nested more than ${depthMax} levels deep`);
  try {
    return copyOf(value, walk);
  } catch (error) {
    if (error instanceof UnsupportedValueError || error instanceof PayloadTooLargeError) throw error;
    throw unsupported(walk, 'an object that throws when it is read', error);
  }
}

/** The format has cycles through plain data, but not through errors: one that leads back to itself is cut there. */
function known(copy: unknown, walk: Walk): unknown {
  if (copy instanceof StoredError && !copy.isComplete) throw unsupported(walk, 'an error that leads back to itself');
  return copy;
}

function copyOf(value: object, walk: Walk): unknown {
  const notData = kindOfNonData(value);
  if (notData !== null) throw unsupported(walk, notData);
  if (types.isAnyArrayBuffer(value) || ArrayBuffer.isView(value)) {
    checkFits(value.byteLength, walk);
    return remember(value, copyBytes(value), walk);
  }
  if (isNative(value)) return value;
  if (isError(value)) return prepareError(value, walk, prepare);
  if (Array.isArray(value)) return copyArray(value, walk);
  if (types.isMap(value)) return copyMap(value, walk);
  if (types.isSet(value)) return copySet(value, walk);
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    return remember(value, prepare((value.toJSON as () => unknown)(), inside(walk, '')), walk);
  }
  return copyObject(value, walk);
}

function remember<T>(value: object, copy: T, { shared }: Walk): T {
  shared.copies.set(value, copy);
  return copy;
}

function copyArray(value: readonly unknown[], walk: Walk): unknown[] {
  const copy = remember<unknown[]>(value, [], walk);
  copy.length = value.length;
  // Holes stay holes, and cost nothing.
  for (const key of Object.keys(value)) {
    const index = Number(key);
    if (Number.isInteger(index)) copy[index] = prepare(value[index], inside(walk, `[${key}]`));
  }
  return copy;
}

function copyMap(value: ReadonlyMap<unknown, unknown>, walk: Walk): Map<unknown, unknown> {
  const copy = remember(value, new Map<unknown, unknown>(), walk);
  for (const [key, member] of value) {
    const shownKey = typeof key === 'object' && key !== null ? '…' : String(key);
    copy.set(prepare(key, inside(walk, '.key()')), prepare(member, inside(walk, `.get(${shownKey})`)));
  }
  return copy;
}

function copySet(value: ReadonlySet<unknown>, walk: Walk): Set<unknown> {
  const copy = remember(value, new Set<unknown>(), walk);
  for (const member of value) copy.add(prepare(member, inside(walk, '.values()')));
  return copy;
}

function copyObject(value: object, walk: Walk): object {
  const empty = (Object.getPrototypeOf(value) === null ? Object.create(null) : {}) as Record<string, unknown>;
  const copy = remember(value, empty, walk);
  for (const [key, member] of Object.entries(value)) {
    if (key === '__proto__') throw unsupported(inside(walk, '.__proto__'), 'a key that would change the prototype');
    copy[key] = prepare(member, inside(walk, `.${key}`));
  }
  return copy;
}

/** Objects that the format knows by itself. */
function isNative(value: object): boolean {
  return (
    types.isDate(value) ||
    types.isRegExp(value) ||
    types.isBoxedPrimitive(value) ||
    value instanceof URL ||
    value instanceof URLSearchParams ||
    value instanceof StoredError
  );
}

function kindOfNonData(value: object): string | null {
  if (types.isPromise(value)) return 'a promise that was not awaited';
  if (types.isWeakMap(value) || types.isWeakSet(value) || value instanceof WeakRef) return 'a weak reference';
  if (types.isGeneratorObject(value)) return 'a generator';
  if (types.isMapIterator(value) || types.isSetIterator(value)) return 'an iterator';
  if (types.isSymbolObject(value)) return 'a symbol';
  if (value instanceof ReadableStream || value instanceof WritableStream || value instanceof TransformStream)
    return 'a stream';
  if ('pipe' in value && typeof value.pipe === 'function') return 'a stream';
  return null;
}
