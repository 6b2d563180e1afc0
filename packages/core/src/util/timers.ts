import type { Clock } from '../seams/clock.js';

/** Resolves after `delayMs`; a background wait, which keeps no process alive. */
export function sleepFor(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => clock.setTimer(delayMs, resolve, { background: true }));
}
