import { InvalidArgumentError } from '../errors/errors.js';
import { type Duration, toMs } from '../util/duration.js';
import { checkObject, told } from '../util/given.js';

/** At most so many units begin in any stretch of time of this length. */
export interface RateLimit {
  /** What may begin within `per`: so many runs, or so many `units` where runs say how many they are worth. */
  readonly limit: number;
  readonly per: Duration;
}

/** The limits of a queue. All hold exactly, in any number of processes; what is left out is not limited. */
export interface QueueSettings {
  /** How many runs of this queue execute at once, in all processes together. */
  readonly concurrency?: number;
  /** How many of them execute at once in one process. */
  readonly workerConcurrency?: number;
  readonly rateLimit?: RateLimit;
  /** The same for each key by itself, besides the limits of the whole queue. Concurrency 1: a key's runs go strictly in order. */
  readonly perKey?: { readonly concurrency?: number; readonly rateLimit?: RateLimit };
  /** Waiting so long is worth one step of priority, so that nothing waits for ever behind more urgent work. */
  readonly ageing?: Duration;
  /** A run that has waited longer than this fails with a {@link QueueTimeoutError}. */
  readonly maxWait?: Duration;
}

/** Changes to limits at run time; null takes a limit away. */
export type QueueChanges = {
  readonly [Name in Exclude<keyof QueueSettings, 'perKey'>]?: QueueSettings[Name] | null;
} & { readonly perKey?: { readonly concurrency?: number | null; readonly rateLimit?: RateLimit | null } | null };

/** As the database has them: flat, with times in milliseconds. Null takes away what was declared. */
export type StoredSettings = { readonly [Name in SettingName]?: number | null };

/** A queue as code declares it. */
export interface QueueDefinition {
  readonly name: string;
  readonly settings: StoredSettings;
}

type SettingName =
  | 'concurrency'
  | 'workerConcurrency'
  | 'rateUnits'
  | 'ratePeriodMs'
  | 'keyConcurrency'
  | 'keyRateUnits'
  | 'keyRatePeriodMs'
  | 'ageingMs'
  | 'maxWaitMs';

/** @throws {InvalidArgumentError} for a limit that doesn't hold */
export function checkSettings(queue: string, changes: QueueChanges): StoredSettings {
  const of = (what: string): string => `${what} of queue "${queue}"`;
  checkObject(of('the settings'), changes);
  if (changes.perKey != null) checkObject(of('perKey'), changes.perKey);
  const perKey = changes.perKey === null ? { concurrency: null, rateLimit: null } : changes.perKey;
  return {
    ...count('concurrency', changes.concurrency, of('concurrency')),
    ...count('workerConcurrency', changes.workerConcurrency, of('workerConcurrency')),
    ...rate('rateUnits', 'ratePeriodMs', changes.rateLimit, of('rateLimit')),
    ...count('keyConcurrency', perKey?.concurrency, of('perKey.concurrency')),
    ...rate('keyRateUnits', 'keyRatePeriodMs', perKey?.rateLimit, of('perKey.rateLimit')),
    ...period('ageingMs', changes.ageing, of('ageing')),
    ...period('maxWaitMs', changes.maxWait, of('maxWait')),
  };
}

/** Back in the form in which they are given. */
export function readSettings(stored: StoredSettings): QueueSettings {
  const perKey = {
    ...present('concurrency', stored.keyConcurrency),
    ...rateOf(stored.keyRateUnits, stored.keyRatePeriodMs),
  };
  return {
    ...present('concurrency', stored.concurrency),
    ...present('workerConcurrency', stored.workerConcurrency),
    ...rateOf(stored.rateUnits, stored.ratePeriodMs),
    ...(Object.keys(perKey).length > 0 && { perKey }),
    ...present('ageing', stored.ageingMs),
    ...present('maxWait', stored.maxWaitMs),
  };
}

const countMax = 2 ** 31 - 1;

/** @throws {InvalidArgumentError} unless it is a whole number from 1 to 2,147,483,647 */
export function checkCount(value: number, what: string): number {
  if (Number.isSafeInteger(value) && value >= 1 && value <= countMax) return value;
  throw new InvalidArgumentError(
    `${what} must be a whole number from 1 to ${countMax}, not ${told(value)}; leave it out for no limit`,
  );
}

function count(name: SettingName, value: number | null | undefined, what: string): StoredSettings {
  if (value === undefined) return {};
  return { [name]: value === null ? null : checkCount(value, what) };
}

function rate(
  units: SettingName,
  period: SettingName,
  value: RateLimit | null | undefined,
  what: string,
): StoredSettings {
  if (value === undefined) return {};
  if (value === null) return { [units]: null, [period]: null };
  checkObject(what, value);
  return { [units]: checkCount(value.limit, `${what}.limit`), [period]: positiveMs(value.per, `${what}.per`) };
}

function period(name: SettingName, value: Duration | null | undefined, what: string): StoredSettings {
  if (value === undefined) return {};
  return { [name]: value === null ? null : positiveMs(value, what) };
}

function positiveMs(value: Duration, what: string): number {
  const ms = toMs(value, what);
  if (ms > 0) return ms;
  throw new InvalidArgumentError(`${what} must be longer than 0; leave it out for no limit`);
}

function present<Name extends string>(
  name: Name,
  value: number | null | undefined,
): { readonly [Key in Name]?: number } {
  return value === null || value === undefined ? {} : ({ [name]: value } as { readonly [Key in Name]?: number });
}

function rateOf(limit: number | null | undefined, per: number | null | undefined): { readonly rateLimit?: RateLimit } {
  return limit == null || per == null ? {} : { rateLimit: { limit, per } };
}
