import { Cron } from 'croner';
import { InvalidArgumentError } from '../errors/errors.js';
import type { EpochMs } from '../seams/clock.js';
import { type Duration, toMs } from '../util/duration.js';
import type { WorkflowDefinition } from '../workflow/definition.js';

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

/** @throws {InvalidArgumentError} for a timing or an option that doesn't hold */
export function checkSchedule(name: string, timing: ScheduleTiming, options: ScheduleOptions): StoredSchedule {
  const of = (what: string): string => `${what} of schedule "${name}"`;
  const { overlap = 'allow', maxRuns } = options;
  if (!overlapPolicies.includes(overlap)) {
    throw new InvalidArgumentError(
      `${of('overlap')} must be allow, skip, queue or cancel-previous, not ${String(overlap)}`,
    );
  }
  if (maxRuns !== undefined && (!Number.isSafeInteger(maxRuns) || maxRuns < 1)) {
    throw new InvalidArgumentError(`${of('maxRuns')} must be a whole number above 0, not ${String(maxRuns)}`);
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
  };
  // A pattern that never comes about, or a zone that there isn't, shows when it is asked.
  if (nextSlot(settings, settings.from ?? Date.UTC(2000, 0, 1)) !== null) return settings;
  throw new InvalidArgumentError(`Schedule "${name}" has no slot at all. Check its pattern and its dates.`);
}

/** The first slot after a moment; null if there is none. */
export function nextSlot(settings: StoredSchedule, after: EpochMs): EpochMs | null {
  const { from, until } = settings;
  // A slot at `from` itself counts.
  const since = from === null ? after : Math.max(after, from - 1);
  const slot =
    settings.everyMs === null ? nextByCron(settings, since) : nextByPeriod(settings.everyMs, from ?? 0, since);
  return slot === null || (until !== null && slot >= until) ? null : slot;
}

function nextByPeriod(everyMs: number, from: EpochMs, after: EpochMs): EpochMs {
  return from + (Math.floor((after - from) / everyMs) + 1) * everyMs;
}

/** Patterns count in whole seconds, and in the wall clock of their zone: a slot that a change of clocks skips comes after it. */
function nextByCron({ cron, timeZone }: StoredSchedule, after: EpochMs): EpochMs | null {
  const since = new Date(Math.floor(after / 1_000) * 1_000);
  return (
    patternOf(cron ?? '', timeZone ?? 'UTC')
      .nextRun(since)
      ?.getTime() ?? null
  );
}

function patternOf(cron: string, timeZone: string): Cron {
  return new Cron(cron, { timezone: timeZone, paused: true });
}

function checkTiming(
  timing: ScheduleTiming,
  of: (what: string) => string,
): Pick<StoredSchedule, 'cron' | 'timeZone' | 'everyMs'> {
  if ('every' in timing) {
    const everyMs = toMs(timing.every, of('every'));
    if (everyMs >= everyMsMin) return { cron: null, timeZone: null, everyMs };
    throw new InvalidArgumentError(`${of('every')} must be at least ${everyMsMin} ms`);
  }
  const { cron, timeZone = 'UTC' } = timing;
  try {
    Intl.DateTimeFormat('en', { timeZone });
    if (typeof cron !== 'string' || cron.length > 200) throw new Error('it must be a text of at most 200 characters');
    patternOf(cron, timeZone);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.replace(/^\w+: /, '') : '';
    throw new InvalidArgumentError(`${of('cron or timeZone')} is not valid: ${why}`);
  }
  return { cron, timeZone, everyMs: null };
}

function checkDate(date: Date | undefined, what: string): EpochMs | null {
  if (date === undefined) return null;
  const at = date.getTime();
  if (!Number.isNaN(at)) return at;
  throw new InvalidArgumentError(`${what} is not a valid Date`);
}
