import { checkScheduleName } from '../workflow/names.js';
import { processState } from '../workflow/process-state.js';
import type { Workflow } from '../workflow/workflow.js';
import {
  checkSchedule,
  type ScheduleDefinition,
  type ScheduleOptions,
  type ScheduleTiming,
} from './schedule-settings.js';

/** What a scheduled run gets as its argument. */
export interface Slot {
  /** The name of the schedule. */
  readonly schedule: string;
  /** The moment that it was meant for, however late it began. */
  readonly at: Date;
  /** What a schedule that was made at run time was made with. */
  readonly input?: unknown;
}

/**
 * Starts a workflow again and again. Each slot fires exactly one run, whose workflow id is made of the schedule and the
 * slot, in however many processes it is declared and whatever crashes. It fires as long as a process that declares it is
 * launched.
 *
 * @param name it must not change, or it is another schedule
 * @throws {InvalidArgumentError} for a timing or an option that doesn't hold
 *
 * @example
 * schedule('nightly report', { cron: '0 3 * * *', timeZone: 'Europe/Berlin' }, report, { overlap: 'skip' });
 * schedule('poll', { every: '30s' }, poll);
 */
export function schedule(
  name: string,
  timing: ScheduleTiming,
  work: Pick<Workflow<[Slot], unknown>, 'definition' | 'start'>,
  options: ScheduleOptions = {},
): void {
  checkScheduleName(name);
  const definition: ScheduleDefinition = {
    name,
    workflow: work.definition,
    settings: checkSchedule(name, timing, options),
  };
  processState().schedules.set(name, definition);
}
