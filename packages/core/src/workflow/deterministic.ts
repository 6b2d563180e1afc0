import type { EpochMs } from '../seams/clock.js';
import { SystemClock } from '../seams/system-clock.js';
import { SystemRandom } from '../seams/random.js';
import { currentContext } from './current-context.js';

/**
 * The time, in milliseconds since 1970: in a workflow that of the last thing it awaited, the same in every replay, at no
 * cost; elsewhere the present.
 */
export function now(): EpochMs {
  const context = currentContext();
  if (context?.kind === 'workflow') return context.now();
  return (context?.kind === 'step' ? context.seams.clock : new SystemClock()).now();
}

/**
 * A unique id: in a workflow the same in every replay, at no cost. It is derived from a random seed of the run; don't
 * use it as a secret.
 */
export function uuid(): string {
  const context = currentContext();
  return context?.kind === 'workflow' ? context.uuid() : new SystemRandom().uuid();
}

/** A number in [0, 1): in a workflow the same in every replay, at no cost. */
export function random(): number {
  const context = currentContext();
  return context?.kind === 'workflow' ? context.random() : new SystemRandom().float();
}
