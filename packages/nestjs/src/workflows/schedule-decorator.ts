import type { ScheduleOptions, ScheduleTiming, Slot } from '@perdure/core';
import { nestState } from '../nest-state.js';

/**
 * Starts the workflow that a class is again and again, each time with the {@link Slot} as its argument, while an
 * application that provides the class is up. It may stand several times on a class, under other names.
 *
 * @param name it must not change, or it is another schedule
 *
 * @example
 * @Schedule('nightly report', { cron: '0 3 * * *', timeZone: 'Europe/Berlin' }, { overlap: 'skip' })
 * @Workflow('report')
 * @Injectable()
 * export class ReportWorkflow {
 *   async run({ at }: Slot): Promise<void> { … }
 * }
 */
export function Schedule(name: string, timing: ScheduleTiming, options: ScheduleOptions = {}) {
  return function decorate(cls: abstract new (...args: never[]) => { run(slot: Slot): Promise<unknown> }): void {
    const { schedules } = nestState();
    schedules.set(cls, [...(schedules.get(cls) ?? []), { name, timing, options }]);
  };
}
