import { Cron } from 'croner';
import { InvalidArgumentError } from '../errors/errors.js';
import type { EpochMs } from '../seams/clock.js';
import { type Duration, toMs } from '../util/duration.js';
import type { WorkflowDefinition } from '../workflow/definition.js';
import { checkScheduledStart, type ScheduledStart } from './scheduled-start.js';
import { isObject, told } from '../util/given.js';

/** When a schedule fires. */
export type ScheduleTiming =
  | {
      /**
       * Five fields, or six with seconds first: `'0 3 * * *'`, `'0 0/5 8-17 * * MON-FRI'`. Names, ranges, steps, `L`, `W` and
       * `#` work.
       */
      readonly cron: string;
      /** An IANA name such as `'Europe/Berlin'`; UTC by default. */
      readonly timeZone?: string;
    }
  | {
      /** Counted from `from`, or else from 1970, so that `'10m'` fires at every full ten minutes. */
      readonly every: Duration;
    };

/** What is to happen while the run of an earlier slot has not ended. */
export type OverlapPolicy = 'allow' | 'skip' | 'queue' | 'cancel-previous';

export interface ScheduleOptions {
  /** `allow` (default), `skip` the slot, `queue` the run until the earlier one has ended, or `cancel-previous`. */
  readonly overlap?: OverlapPolicy;
  /** Spreads schedules that would fire at the same moment: each slot begins up to so much later, always the same. */
  readonly jitter?: Duration;
  /** Slots that nobody was there for fire later, if they are not older than this; 1 h by default, at least 10 s. */
  readonly catchUp?: Duration;
  /** Slots before it don't count. */
  readonly from?: Date;
  /** Slots from it on don't count. */
  readonly until?: Date;
  /** How many runs it fires in all. */
  readonly maxRuns?: number;
  /** How its runs start: in which queue they wait, how long they may take. Without a queue they begin at once. */
  readonly start?: ScheduledStart;
}

/** As the database has them. */
export interface StoredSchedule {
  readonly cron: string | null;
  readonly timeZone: string | null;
  readonly everyMs: number | null;
  readonly overlap: OverlapPolicy;
  readonly jitterMs: number;
  readonly catchUpMs: number;
  readonly from: EpochMs | null;
  readonly until: EpochMs | null;
  readonly maxRuns: number | null;
  /** Left out where nothing was said about it. */
  readonly start?: ScheduledStart;
}

/** A schedule as code declares it. */
export interface ScheduleDefinition {
  readonly name: string;
  readonly workflow: WorkflowDefinition;
  readonly settings: StoredSchedule;
}

const overlapPolicies: readonly unknown[] = ['allow', 'skip', 'queue', 'cancel-previous'] satisfies OverlapPolicy[];
const everyMsMin = 100;
const catchUpMsMin = 10_000;

/** What Postgres, JavaScript and the cron library all have dates for. */
const [momentMin, momentMax] = [Date.UTC(1970, 0, 1), Date.UTC(9000, 0, 1)];

/** @throws {InvalidArgumentError} for a timing or an option that doesn't hold */
export function checkSchedule(name: string, timing: ScheduleTiming, options: ScheduleOptions): StoredSchedule {
  const of = (what: string): string => `${what} of schedule "${name}"`;
  if (!isObject(timing)) throw new InvalidArgumentError(`${of('the timing')} must be { cron } or { every }`);
  if (!isObject(options)) throw new InvalidArgumentError(`${of('the options')} must be an object`);
  const { overlap = 'allow', maxRuns, start } = options;
  if (!overlapPolicies.includes(overlap)) {
    throw new InvalidArgumentError(
      `${of('overlap')} must be allow, skip, queue or cancel-previous, not ${told(overlap)}`,
    );
  }
  if (maxRuns !== undefined && (!Number.isSafeInteger(maxRuns) || maxRuns < 1)) {
    throw new InvalidArgumentError(`${of('maxRuns')} must be a whole number above 0, not ${told(maxRuns)}`);
  }
  const catchUpMs = toMs(options.catchUp ?? '1h', of('catchUp'));
  if (catchUpMs < catchUpMsMin) throw new InvalidArgumentError(`${of('catchUp')} must be at least 10 s`);
  const settings: StoredSchedule = {
    ...checkTiming(timing, of),
    overlap,
    jitterMs: toMs(options.jitter ?? 0, of('jitter')),
    catchUpMs,
    from: checkDate(options.from, of('from')),
    until: checkDate(options.until, of('until')),
    maxRuns: maxRuns ?? null,
    ...(start !== undefined && { start: checkScheduledStart(start, overlap, of) }),
  };
  // A pattern that never comes about, or a zone that there isn't, shows when it is asked.
  if (nextSlot(settings, settings.from === null ? Date.UTC(2000, 0, 1) : settings.from - 1) !== null) return settings;
  throw new InvalidArgumentError(`Schedule "${name}" has no slot at all. Check its pattern and its dates.`);
}

/** The first slot after a moment; null if there is none. */
export function nextSlot(settings: StoredSchedule, after: EpochMs): EpochMs | null {
  return slotsOf(settings)(after);
}

/** Asks for one slot after the other, and reads the pattern once. */
export function slotsOf(settings: StoredSchedule): (after: EpochMs) => EpochMs | null {
  const { from, until, everyMs, cron, timeZone } = settings;
  const next =
    everyMs === null
      ? byPattern(patternOf(cron ?? '', timeZone ?? 'UTC'))
      : (after: EpochMs) => nextByPeriod(everyMs, from ?? 0, after);
  return (after) => {
    // A slot at `from` itself counts.
    const slot = next(from === null ? after : Math.max(after, from - 1));
    return slot === null || slot > momentMax || (until !== null && slot >= until) ? null : slot;
  };
}

function nextByPeriod(everyMs: number, from: EpochMs, after: EpochMs): EpochMs {
  return from + (Math.floor((after - from) / everyMs) + 1) * everyMs;
}

/** Patterns count in whole seconds. */
function byPattern(pattern: Cron): (after: EpochMs) => EpochMs | null {
  return (after) => pattern.nextRun(new Date(Math.floor(after / 1_000) * 1_000))?.getTime() ?? null;
}

/**
 * Patterns count in the wall clock of their zone. Where clocks change, fixed times (lists and ranges too) that are skipped come
 * right after, and fixed times that come twice count once; wildcards and steps go by the hours that there are.
 */
function patternOf(cron: string, timeZone: string): Cron {
  return new Cron(cron, { timezone: timeZone, paused: true, fixedTimeRule: 'no-wildcard' });
}

function checkTiming(
  timing: ScheduleTiming,
  of: (what: string) => string,
): Pick<StoredSchedule, 'cron' | 'timeZone' | 'everyMs'> {
  if ('every' in timing) {
    if ('cron' in timing) throw new InvalidArgumentError(`${of('the timing')} must be either cron or every, not both`);
    const everyMs = toMs(timing.every, of('every'));
    if (everyMs >= everyMsMin) return { cron: null, timeZone: null, everyMs };
    throw new InvalidArgumentError(`${of('every')} must be at least ${everyMsMin} ms`);
  }
  const { cron, timeZone = 'UTC' } = timing;
  try {
    Intl.DateTimeFormat('en', { timeZone });
    if (typeof cron !== 'string' || cron.length > 200) throw new Error('it must be a text of at most 200 characters');
    // The library also takes a single date, a year, and names such as @daily.
    if (![5, 6].includes(cron.trim().split(/\s+/).length))
      throw new Error('it must have five fields, or six with seconds');
    patternOf(cron, timeZone);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.replace(/^\w+: /, '') : '';
    throw new InvalidArgumentError(`${of('cron or timeZone')} is not valid: ${why}`);
  }
  return { cron, timeZone, everyMs: null };
}

function checkDate(date: Date | undefined, what: string): EpochMs | null {
  if (date === undefined) return null;
  const at = date instanceof Date ? date.getTime() : NaN;
  if (at >= momentMin && at <= momentMax) return at;
  throw new InvalidArgumentError(`${what} must be a Date between the years 1970 and 9000`);
}
