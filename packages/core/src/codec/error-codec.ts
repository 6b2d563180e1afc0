import { types } from 'node:util';
import * as catalogue from '../errors/catalogue.js';
import { InvalidArgumentError } from '../errors/errors.js';
import { PerdureError } from '../errors/perdure-error.js';
import { inside, type Walk } from './walk.js';

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
/** Longer chains of causes are cut: each error may bring a stack of its own. */
const errorDepthMax = 16;
/** Errors in errors beyond this number are stored without what they carry. */
const nestedErrorsMax = 1_000;
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
  const stored = new StoredError({ ...textsOf(error, messageCharsMax, stackCharsMax), hidden, own });
  walk.shared.copies.set(error, stored);
  if (mayCarry(walk)) {
    for (const key of ownKeysOf(error)) keep(own, key);
    for (const key of hiddenKeys) if (Object.hasOwn(error, key)) keep(hidden, key);
  }
  stored.isComplete = true;
  return stored;

  function keep(into: Record<string, unknown>, key: string): void {
    try {
      const further = { ...inside(walk, `.${key}`), errorsAround: walk.errorsAround + 1 };
      into[key] = prepare((error as unknown as Record<string, unknown>)[key], further);
    } catch {
      // Left out.
    }
  }
}

function mayCarry({ errorsAround, shared }: Walk): boolean {
  if (errorsAround > 0) shared.nestedErrors += 1;
  return errorsAround < errorDepthMax && shared.nestedErrors <= nestedErrorsMax;
}

/**
 * The little of an error that is stored when the whole is too large: its class and texts, and the short facts among its
 * own members, such as a `code`.
 */
export function summarizeError(error: Error): StoredError {
  const own: Record<string, unknown> = {};
  let factsLeft = 32;
  for (const key of ownKeysOf(error)) {
    const value = attempt(() => (error as unknown as Record<string, unknown>)[key]);
    const isShortText = typeof value === 'string' && value.length <= 200;
    if (key.length > 100 || !(isShortText || typeof value === 'number' || typeof value === 'boolean')) continue;
    own[key] = value;
    factsLeft -= 1;
    if (factsLeft === 0) break;
  }
  return new StoredError({ ...textsOf(error, 1_000, 1_000), hidden: {}, own });
}

/** Whether something is an error, also one of another realm. A Proxy that throws when it is looked at is none. */
export function isError(value: unknown): value is Error {
  return attempt(() => value instanceof Error || types.isNativeError(value)) ?? false;
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

function textsOf(error: Error, messageMax: number, stackMax: number): Omit<ErrorFields, 'hidden' | 'own'> {
  return {
    className: textOf(() => error.constructor.name, 200) ?? 'Error',
    name: textOf(() => error.name, 200) ?? 'Error',
    message: textOf(() => error.message, messageMax) ?? '',
    stack: textOf(() => error.stack, stackMax),
  };
}

function ownKeysOf(error: Error): string[] {
  const keys = attempt(() => Object.keys(error)) ?? [];
  return keys.filter((key) => !['name', 'message', 'stack', '__proto__', ...hiddenKeys].includes(key));
}

function textOf(read: () => unknown, charsMax: number): string | undefined {
  const value = attempt(read);
  return typeof value === 'string' ? value.slice(0, charsMax) : undefined;
}

/** What user code's getters and Proxies say, undefined if they throw. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
