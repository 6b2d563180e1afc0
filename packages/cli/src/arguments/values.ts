import type { RateLimit } from '@perdure/core';
import { toMs } from '@perdure/core/internal';
import { InvalidArgumentError } from 'commander';

/** A whole number, for commander. */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (/^-?\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError('It must be a whole number.');
}

export function count(text: string): number {
  const value = wholeNumber(text);
  if (value >= 1) return value;
  throw new InvalidArgumentError('It must be a whole number above 0.');
}

/** A value, or the word for no limit: commander takes no null from a parser. */
export type OrNone<T> = T | 'none';

export const countOrNone = (text: string): OrNone<number> => (text === 'none' ? text : count(text));

/** A duration, as the options of the library take it. */
export function duration(text: string): string {
  if (isDuration(text)) return text;
  throw new InvalidArgumentError("It must be a duration, such as '90s', '15m', '12h' or '30d'.");
}

export const durationOrNone = (text: string): OrNone<string> => (text === 'none' ? text : duration(text));

/** `100/1m`: so many in so long. */
export function rateOrNone(text: string): OrNone<RateLimit> {
  if (text === 'none') return text;
  const [limit = '', per = '', ...rest] = text.split('/');
  if (rest.length > 0 || !/^\d+$/.test(limit) || !isDuration(per)) {
    throw new InvalidArgumentError("It must be a number per duration, such as '100/1m', or 'none'.");
  }
  return { limit: Number(limit), per };
}

/** A date (ISO 8601, in UTC unless it says otherwise), or how long ago it was. */
export function moment(text: string): Date {
  if (isDuration(text)) return new Date(Date.now() - toMs(text, 'time'));
  const isDate = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/.exec(text);
  const date = new Date(isDate?.[1] === undefined || isDate[4] !== undefined ? text : `${text.replace(' ', 'T')}Z`);
  if (isDate !== null && !Number.isNaN(date.getTime())) return date;
  throw new InvalidArgumentError(
    "It must be a time, such as '2026-11-21' or '2026-11-21T09:30Z', or a duration ago, such as '2h'.",
  );
}

/** Gathers the values of an option that may be given again, and that may have several, with commas between them. */
export const listed = (text: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  ...text.split(',').filter((part) => part !== ''),
];

/** The same for what may have a comma in it. */
export const repeated = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];

type Scalars = Readonly<Record<string, string | number | boolean>>;

/** `name=value`; a number, true or false is taken as such, and anything in double quotes as text. */
export function attribute(text: string, before: Scalars = {}): Scalars {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError("It must be a name and a value, such as 'tenant=acme'.");
  return { ...before, [text.slice(0, at)]: scalar(text.slice(at + 1)) };
}

function scalar(text: string): string | number | boolean {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  } catch {
    // It is a text as it stands.
  }
  return text;
}

function isDuration(text: string): boolean {
  try {
    return toMs(text, 'duration') >= 0;
  } catch {
    return false;
  }
}
