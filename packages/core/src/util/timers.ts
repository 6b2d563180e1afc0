import type { Clock } from '../seams/clock.js';

/** Resolves after `delayMs`. No workflow waits for it. */
export function sleepFor(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => clock.setTimer(delayMs, resolve, { background: true }));
}
