import type { LaunchOptions } from '@perdure/core';

/**
 * Circumstances in which everything has to work too. The tests of a lane run on Postgres only, and what they open is
 * - `pgbouncer`: reached through a pooler in transaction mode, which knows nothing of prepared statements,
 * - `no-notify`: used without notifications, so that all is found by polling,
 * - `restricted-role`: used by a role that may only read and write rows (docs/restricted-role.md).
 */
export type Lane = 'pgbouncer' | 'no-notify' | 'restricted-role';

/** The lane that this process tests in; null = none. `vitest.lanes.config.ts` sets it. */
export const lane = (process.env['TEST_LANE'] ?? null) as Lane | null;

/** How often to look for work in a test that wants to be told of it: hardly ever, unless nobody is told of anything. */
export const pollIfToldNothing = lane === 'no-notify' || lane === 'pgbouncer' ? '200ms' : '1h';

/** What engines are launched with in this lane. */
export const laneOptions: Pick<LaunchOptions, 'migrate' | 'notifications'> = {
  ...(lane === 'no-notify' && { notifications: false }),
  ...(lane === 'restricted-role' && { migrate: false }),
};
