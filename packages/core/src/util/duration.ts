import ms, { type StringValue } from 'ms';
import { InvalidArgumentError } from '../errors/errors.js';
import { told } from './given.js';

/** Milliseconds, or a string with a unit: `'500ms'`, `'30s'`, `'10m'`, `'24h'`, `'7d'`. */
export type Duration = number | string;

const durationMsMax = 100 * 365.25 * 24 * 3_600_000;

/**
 * A duration in milliseconds.
 *
 * @param what the option that it was given for, for the error's message
 * @throws {InvalidArgumentError} unless it is between 0 and 100 years
 */
export function toMs(duration: Duration, what: string): number {
  const value = typeof duration === 'string' ? parse(duration) : duration;
  if (typeof value === 'number' && value >= 0 && value <= durationMsMax) return Math.ceil(value);
  throw new InvalidArgumentError(
    `${what} must be a duration between 0 and 100 years, in milliseconds or like '30s', '10m', '7d', not ${told(duration)}`,
  );
}

function parse(text: string): number | undefined {
  // `ms` refuses longer texts by throwing, and takes a text without a unit for milliseconds.
  if (text.length === 0 || text.length > 100 || /^[-\d.\s]*$/.test(text)) return undefined;
  return ms(text as StringValue);
}
