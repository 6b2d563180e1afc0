import * as catalogue from '../errors/errors.js';
import { PerdureError } from '../errors/perdure-error.js';
import type { ErrorClass } from './codec.js';

const stackCharsMax = 8_192;
const builtIns: readonly ErrorClass[] = [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError, AggregateError];

/** An error as plain data. */
export interface ErrorFields {
  readonly className: string;
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly hasCause: boolean;
  readonly cause: unknown;
  readonly own: Readonly<Record<string, unknown>>;
}

/** The classes that a stored error may come back as, by name. */
export function errorTable(own: readonly ErrorClass[]): ReadonlyMap<string, ErrorClass> {
  const classes = [...builtIns, PerdureError, ...Object.values(catalogue), ...own] as readonly ErrorClass[];
  return new Map(classes.map((errorClass) => [errorClass.name, errorClass]));
}

export function encodeErrorValue(error: Error): ErrorFields {
  const own: Record<string, unknown> = {};
  for (const key of Object.keys(error)) {
    if (!['name', 'message', 'stack', 'cause'].includes(key)) own[key] = (error as unknown as Record<string, unknown>)[key];
  }
  return {
    className: error.constructor.name,
    name: error.name,
    message: error.message,
    stack: error.stack?.slice(0, stackCharsMax),
    hasCause: Object.hasOwn(error, 'cause'),
    cause: error.cause,
    own,
  };
}

/** Makes the error without running a constructor; an unknown class comes back as an Error that keeps its name. */
export function decodeErrorValue(fields: ErrorFields, classes: ReadonlyMap<string, ErrorClass>): Error {
  const prototype = (classes.get(fields.className) ?? Error).prototype as object;
  const error = Object.create(prototype) as Error;
  const define = (key: string, value: unknown, enumerable: boolean): void => {
    Object.defineProperty(error, key, { value, enumerable, writable: true, configurable: true });
  };
  define('message', fields.message, false);
  define('stack', fields.stack ?? `${fields.name}: ${fields.message}`, false);
  if (error.name !== fields.name) define('name', fields.name, false);
  if (fields.hasCause) define('cause', fields.cause, false);
  for (const [key, value] of Object.entries(fields.own)) define(key, value, true);
  return error;
}
