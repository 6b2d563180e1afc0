import { createHash } from 'node:crypto';
import type { EpochMs } from '../seams/clock.js';
import { nextSlot, type StoredSchedule } from './schedule-settings.js';

/** The slot after a moment, and when it is to fire. */
export function nextFire(
  name: string,
  settings: StoredSchedule,
  after: EpochMs,
  fired: number,
): { readonly slotAt: EpochMs | null; readonly fireAt: EpochMs | null } {
  const isOver = settings.maxRuns !== null && fired >= settings.maxRuns;
  const slotAt = isOver ? null : nextSlot(settings, after);
  return { slotAt, fireAt: slotAt === null ? null : slotAt + jitterOf(name, slotAt, settings.jitterMs) };
}

/** The workflow id of the run that a slot becomes. */
export function slotId(name: string, slotAt: EpochMs): string {
  return `${slotPrefix(name)}${new Date(slotAt).toISOString()}`;
}

/** What the workflow ids of a schedule's runs begin with. */
export const slotPrefix = (name: string): string => `${name}@`;

/** What the run of a slot gets: a {@link Slot}. */
export function slotArgument(name: string, slotAt: EpochMs, input: unknown): unknown {
  const slot = { schedule: name, at: new Date(slotAt) };
  return input === undefined ? slot : { ...slot, input };
}

/** The same in every process, and another one for each schedule and slot. */
function jitterOf(name: string, slotAt: EpochMs, jitterMs: number): number {
  if (jitterMs === 0) return 0;
  const hash = createHash('sha256').update(`${name} ${slotAt}`).digest().readUInt32BE(0);
  return Math.floor((hash / 2 ** 32) * jitterMs);
}
