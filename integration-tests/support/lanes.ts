import type { LaunchOptions } from '@perdure/core';

/**
 * Circumstances in which everything has to work too. The tests of a lane, which has one of them or several at once, run on
 * Postgres only, and what they open is
 * - `pgbouncer`: reached through a pooler in transaction mode, which knows nothing of prepared statements,
 * - `no-notify`: used without notifications, so that all is found by polling,
 * - `restricted-role`: used by a role that may only read and write rows (docs/restricted-role.md).
 */
export type Circumstance = 'pgbouncer' | 'no-notify' | 'restricted-role';

/** Those of the lane that this process tests in; none, if it is in no lane. `vitest.lanes.config.ts` sets them. */
export const lane = laneOf(process.env['TEST_LANE']);

/** @param named circumstances with blanks between them */
export function laneOf(named = ''): ReadonlySet<Circumstance> {
  return new Set(named.split(' ').filter((name) => name !== '') as Circumstance[]);
}

/** How often to look for work in a test that wants to be told of it: hardly ever, unless nobody is told of anything. */
export const pollIfToldNothing = lane.has('no-notify') || lane.has('pgbouncer') ? '200ms' : '1h';

/** What engines are launched with in this lane. */
export const laneOptions: Pick<LaunchOptions, 'migrate' | 'notifications'> = {
  ...(lane.has('no-notify') && { notifications: false }),
  ...(lane.has('restricted-role') && { migrate: false }),
};
