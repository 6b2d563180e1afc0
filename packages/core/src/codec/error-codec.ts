import * as catalogue from '../errors/errors.js';
import { InvalidArgumentError } from '../errors/errors.js';
import { PerdureError } from '../errors/perdure-error.js';
import type { Walk } from './walk.js';

/** A class of errors, matched by its name and never constructed. */
export type ErrorClass = abstract new (...args: never[]) => Error;

/** An error as plain data. */
export interface ErrorFields {
  readonly className: string;
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** Own properties that `for … in` does not show but that matter. */
  readonly hidden: Readonly<Record<string, unknown>>;
  readonly own: Readonly<Record<string, unknown>>;
}

/** An error on its way into the format. */
export class StoredError {
  /** False while what the error carries is still being copied. */
  isComplete = false;

  constructor(readonly fields: ErrorFields) {}
}

const stackCharsMax = 8_192;
const messageCharsMax = 65_536;
const hiddenKeys = ['cause', 'errors'];
const builtIns: readonly ErrorClass[] = [
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
  AggregateError,
];

/**
 * The classes that a stored error may come back as, by name.
 *
 * @throws {InvalidArgumentError} for two classes of one name
 */
export function errorTable(own: readonly ErrorClass[]): ReadonlyMap<string, ErrorClass> {
  const known = [...builtIns, PerdureError, ...Object.values(catalogue)] as readonly ErrorClass[];
  const table = new Map(known.map((errorClass) => [errorClass.name, errorClass]));
  for (const errorClass of own) {
    const other = table.get(errorClass.name);
    if (other !== undefined && other !== errorClass) {
      throw new InvalidArgumentError(`Two error classes are named "${errorClass.name}". Rename one of them.`);
    }
    table.set(errorClass.name, errorClass);
  }
  return table;
}

/** An error as data. What it carries that cannot be stored is left out: an error must not be lost over its details. */
export function prepareError(error: Error, walk: Walk, prepare: (value: unknown, walk: Walk) => unknown): StoredError {
  const own: Record<string, unknown> = {};
  const hidden: Record<string, unknown> = {};
  const stored = new StoredError({
    className: textOf(() => error.constructor.name) ?? 'Error',
    name: textOf(() => error.name) ?? 'Error',
    message: (textOf(() => error.message) ?? '').slice(0, messageCharsMax),
    stack: textOf(() => error.stack)?.slice(0, stackCharsMax),
    hidden,
    own,
  });
  walk.copies.set(error, stored);
  for (const key of Object.keys(error)) {
    if (!['name', 'message', 'stack', '__proto__', ...hiddenKeys].includes(key)) keep(own, key);
  }
  for (const key of hiddenKeys) if (Object.hasOwn(error, key)) keep(hidden, key);
  stored.isComplete = true;
  return stored;

  function keep(into: Record<string, unknown>, key: string): void {
    try {
      into[key] = prepare((error as unknown as Record<string, unknown>)[key], { ...walk, depth: walk.depth + 1 });
    } catch {
      // Left out.
    }
  }
}

/** Makes the error without running a constructor; one of an unknown class comes back as an Error that keeps its name. */
export function decodeErrorFields(fields: ErrorFields, classes: ReadonlyMap<string, ErrorClass>): Error {
  const prototype = (classes.get(fields.className) ?? Error).prototype as object;
  const error = Object.create(prototype) as Error;
  const define = (key: string, value: unknown, enumerable: boolean): void => {
    Object.defineProperty(error, key, { value, enumerable, writable: true, configurable: true });
  };
  define('message', fields.message, false);
  define('stack', fields.stack ?? `${fields.name}: ${fields.message}`, false);
  if (error.name !== fields.name) define('name', fields.name, false);
  for (const [key, value] of Object.entries(fields.hidden)) define(key, value, false);
  for (const [key, value] of Object.entries(fields.own)) define(key, value, true);
  restoreBrand(error, prototype);
  return error;
}

/** The brand is an own property that a constructor sets; without it `instanceof` would not know the error again. */
function restoreBrand(error: Error, prototype: object): void {
  if (prototype === PerdureError.prototype || PerdureError.prototype.isPrototypeOf(prototype))
    PerdureError.brand(error);
}

function textOf(read: () => unknown): string | undefined {
  try {
    const value = read();
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}
