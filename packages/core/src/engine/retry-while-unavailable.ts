import { classify } from '../database/database-errors.js';
import type { Clock } from '../seams/clock.js';
import type { Logger } from '../seams/logger.js';
import { never } from '../util/never.js';
import { sleepFor } from '../util/timers.js';

/**
 * Repeats a statement that may be sent twice until the database has answered it. Errors that repeating cannot mend are
 * thrown; once `isOver`, it never settles.
 */
export async function retryWhileUnavailable<T>(
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
  isOver: () => boolean,
  send: () => Promise<T>,
): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await send();
    } catch (error) {
      if (!isPassing(error)) throw error;
      if (failures === 1) logger.warn({ err: error }, 'the database did not answer; asking again');
    }
    if (isOver()) return await never();
    await sleepFor(clock, backoffMs(failures));
  }
}

/** The same for a process that is leaving and cannot wait for long: after `limitMs`, an error is final. */
export async function retryBriefly<T>(clock: Clock, limitMs: number, send: () => Promise<T>): Promise<T> {
  const untilMs = clock.monotonicMs() + limitMs;
  for (let failures = 1; ; failures += 1) {
    try {
      return await send();
    } catch (error) {
      if (!isPassing(error) || clock.monotonicMs() >= untilMs) throw error;
    }
    await sleepFor(clock, backoffMs(failures));
  }
}

/** Whether the same may go through when it is repeated. */
export function isPassing(error: unknown): boolean {
  const errorClass = classify(error);
  return errorClass === 'connection' || errorClass === 'transaction-retry';
}

function backoffMs(failures: number): number {
  return Math.min(2_000, 25 * 2 ** Math.min(failures, 10));
}
