import { PerdureError } from './perdure-error.js';

/** No schedule has this name. */
export class ScheduleNotFoundError extends PerdureError {
  static readonly code = 'PERDURE_SCHEDULE_NOT_FOUND';
  override readonly name: string = 'ScheduleNotFoundError';

  constructor(schedule: string) {
    super(
      ScheduleNotFoundError.code,
      `There is no schedule "${schedule}". Look at perdure.schedules.list(), and check that both sides use the same database and schema.`,
      { data: { schedule } },
    );
  }
}
