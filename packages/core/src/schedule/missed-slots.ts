import type { EpochMs } from '../seams/clock.js';
import { slotsOf, type StoredSchedule } from './schedule-settings.js';

/**
 * How many slots are found in one turn: reading a pattern takes a fraction of a millisecond for each, in which the process does
 * nothing else.
 */
export const patternSlotsMax = 200;

/**
 * The slots, from the next one on, that are too old to be caught up with. Jitter doesn't make a slot old. At most so many at
 * once as the process can count without holding up its other work; the rest follows.
 */
export function missedSlots(
  settings: StoredSchedule,
  slotAt: EpochMs,
  now: EpochMs,
): { readonly count: number; readonly lastSlotAt: EpochMs } {
  const { everyMs, catchUpMs, jitterMs, until } = settings;
  const tooOld = now - catchUpMs - jitterMs;
  if (slotAt >= tooOld) return { count: 0, lastSlotAt: slotAt };
  if (everyMs !== null) {
    const end = until === null ? tooOld : Math.min(tooOld, until);
    const count = Math.min(Math.ceil((end - slotAt) / everyMs), 1_000_000_000);
    return { count, lastSlotAt: slotAt + (count - 1) * everyMs };
  }
  const next = slotsOf(settings);
  let [count, lastSlotAt] = [0, slotAt];
  for (let slot: EpochMs | null = slotAt; slot !== null && slot < tooOld && count < patternSlotsMax; count += 1) {
    lastSlotAt = slot;
    slot = next(slot);
  }
  return { count, lastSlotAt };
}
