import { setTimeout as wait } from 'node:timers/promises';
import type { Moment, Report } from '../contender.js';
import { monotonicMs } from '../monotonic.js';

export function tell(id: string, moment: Moment): void {
  process.send?.({ id, moment, atMs: monotonicMs() } satisfies Report);
}

/** Work of a length that nobody can fall into step with. */
export const work = (): Promise<void> => wait(20 + Math.random() * 100);

/** Call this when the worker can take runs. */
export function ready(): void {
  process.once('disconnect', () => process.exit());
  process.send?.('ready' satisfies Report);
}
