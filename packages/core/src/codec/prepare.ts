import { types } from 'node:util';
import { UnsupportedValueError } from '../errors/errors.js';
import { prepareError, StoredError } from './error-codec.js';
import type { Walk } from './walk.js';

const depthMax = 500;
const pathCharsMax = 200;

/**
 * A copy of a value that holds nothing but what the format can express. Objects with `toJSON` become what that returns,
 * other instances of classes their own enumerable data, errors {@link StoredError}.
 *
 * @throws {UnsupportedValueError} with the path of a function, a symbol, a promise or another thing that is not data
 */
export function prepare(value: unknown, walk: Walk = { path: '$', depth: 0, copies: new Map() }): unknown {
  if (typeof value === 'function' || typeof value === 'symbol') throw unsupported(walk, `a ${typeof value}`);
  if (typeof value !== 'object' || value === null) return value;
  if (walk.copies.has(value)) return known(walk.copies.get(value), walk);
  if (walk.depth > depthMax) throw unsupported(walk, `nested more than ${depthMax} levels deep`);
  try {
    return copyOf(value, walk);
  } catch (error) {
    if (error instanceof UnsupportedValueError) throw error;
    throw new UnsupportedValueError(shortened(walk.path), 'an object that throws when it is read', error);
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
  if (isNative(value)) return value;
  if (value instanceof Error) return prepareError(value, walk, prepare);
  if (Array.isArray(value)) return copyArray(value, walk);
  if (value instanceof Map) return copyMap(value, walk);
  if (value instanceof Set) return copySet(value, walk);
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    return prepare((value.toJSON as () => unknown)(), { ...walk, depth: walk.depth + 1 });
  }
  return copyObject(value, walk);
}

function copyArray(value: readonly unknown[], walk: Walk): unknown[] {
  const copy: unknown[] = [];
  walk.copies.set(value, copy);
  copy.length = value.length;
  // Holes stay holes, and cost nothing.
  for (const key of Object.keys(value)) {
    const index = Number(key);
    if (Number.isInteger(index)) copy[index] = prepare(value[index], inside(walk, `[${key}]`));
  }
  return copy;
}

function copyMap(value: ReadonlyMap<unknown, unknown>, walk: Walk): Map<unknown, unknown> {
  const copy = new Map<unknown, unknown>();
  walk.copies.set(value, copy);
  for (const [key, member] of value) {
    copy.set(prepare(key, inside(walk, '.key()')), prepare(member, inside(walk, `.get(${String(key)})`)));
  }
  return copy;
}

function copySet(value: ReadonlySet<unknown>, walk: Walk): Set<unknown> {
  const copy = new Set<unknown>();
  walk.copies.set(value, copy);
  for (const member of value) copy.add(prepare(member, inside(walk, '.values()')));
  return copy;
}

function copyObject(value: object, walk: Walk): object {
  const copy = (Object.getPrototypeOf(value) === null ? Object.create(null) : {}) as Record<string, unknown>;
  walk.copies.set(value, copy);
  for (const [key, member] of Object.entries(value)) {
    if (key === '__proto__') throw unsupported(inside(walk, '.__proto__'), 'a key that would change the prototype');
    copy[key] = prepare(member, inside(walk, `.${key}`));
  }
  return copy;
}

/** Objects that the format knows by itself. A Buffer is stored, and comes back, as a Uint8Array. */
function isNative(value: object): boolean {
  return (
    types.isDate(value) ||
    types.isRegExp(value) ||
    types.isAnyArrayBuffer(value) ||
    ArrayBuffer.isView(value) ||
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
  if (value instanceof ReadableStream || value instanceof WritableStream) return 'a stream';
  if ('pipe' in value && typeof value.pipe === 'function') return 'a stream';
  return null;
}

function inside(walk: Walk, step: string): Walk {
  return {
    path: walk.path.length > pathCharsMax ? walk.path : walk.path + step,
    depth: walk.depth + 1,
    copies: walk.copies,
  };
}

function unsupported(walk: Walk, what: string): UnsupportedValueError {
  return new UnsupportedValueError(shortened(walk.path), what);
}

function shortened(path: string): string {
  return path.length > pathCharsMax ? `${path.slice(0, pathCharsMax)}…` : path;
}
