import { prepareQueueing } from '../engine/queueing.js';
import { InvalidArgumentError } from '../errors/errors.js';
import { toMs } from '../util/duration.js';
import type { StartOptions } from '../workflow/run-starter.js';

/** How the runs of a schedule start. */
export type ScheduledStart = Pick<StartOptions, 'queue' | 'key' | 'priority' | 'units' | 'timeout'>;

/**
 * As it is stored: the queue by its name.
 *
 * @throws {InvalidArgumentError} for an option that doesn't hold, or that a schedule settles itself
 */
export function checkScheduledStart(
  start: ScheduledStart,
  overlap: string,
  of: (what: string) => string,
): ScheduledStart {
  const known: readonly string[] = ['queue', 'key', 'priority', 'units', 'timeout'] satisfies (keyof ScheduledStart)[];
  const strange = Object.keys(start).find((name) => !known.includes(name));
  if (strange !== undefined) {
    throw new InvalidArgumentError(`${of('start')} can have ${known.join(', ')}, not ${strange}`);
  }
  if (overlap === 'queue' && start.queue !== undefined) {
    throw new InvalidArgumentError(
      `${of('overlap')} cannot be queue where start names a queue: give that queue concurrency 1 instead`,
    );
  }
  const queueing = prepareQueueing(start);
  if (start.timeout !== undefined) toMs(start.timeout, of('start.timeout'));
  const { queue: _, ...rest } = start;
  return queueing === null ? rest : { ...rest, queue: queueing.item.queue };
}
