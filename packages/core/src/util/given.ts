import { InvalidArgumentError } from '../errors/errors.js';

/** What somebody has handed over, for a message: short, on one line, and whatever it is. */
export function told(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 60));
  if (typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`;
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

export const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** @throws {InvalidArgumentError} unless an object was handed over, which is no list */
export function checkObject(what: string, value: unknown): void {
  if (isObject(value) && !Array.isArray(value)) return;
  throw new InvalidArgumentError(`${what} must be an object, not ${told(value)}`);
}

/** @throws {InvalidArgumentError} unless a list was handed over */
export function checkList(what: string, value: unknown): void {
  if (!Array.isArray(value)) throw new InvalidArgumentError(`${what} must be an array, not ${told(value)}`);
}

/** @throws {InvalidArgumentError} unless it is one of these */
export function checkChoice(what: string, value: unknown, choices: readonly string[]): void {
  if (choices.includes(value as string)) return;
  throw new InvalidArgumentError(`${what} must be ${choices.map(told).join(' or ')}, not ${told(value)}`);
}

/** @throws {InvalidArgumentError} unless it is a Standard Schema, which may be a function */
export function checkSchema(what: string, value: unknown): void {
  const given = isObject(value) || typeof value === 'function' ? (value as { readonly '~standard'?: unknown }) : {};
  if (isObject(given['~standard'])) return;
  throw new InvalidArgumentError(
    `${what} must be a Standard Schema, such as one of Zod, Valibot or ArkType, not ${told(value)}`,
  );
}

/** @throws {InvalidArgumentError} unless it is true or false */
export function checkFlag(what: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw new InvalidArgumentError(`${what} must be true or false, not ${told(value)}`);
}
