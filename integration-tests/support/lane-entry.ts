import pg from 'pg';
import type { Lane } from './lanes.js';
import { startPgbouncer } from './pgbouncer.js';
import { createRestrictedRole } from './restricted-role.js';

interface LaneEntry {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/** The way in which the engines of a lane reach the server. */
export async function openLane(lane: Lane | null, serverUrl: string): Promise<LaneEntry> {
  if (lane === 'pgbouncer') return await startPgbouncer(serverUrl);
  if (lane === 'restricted-role') return await openRestrictedRole(serverUrl);
  return { url: serverUrl, stop: async () => {} };
}

async function openRestrictedRole(serverUrl: string): Promise<LaneEntry> {
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  const { user, password, drop } = await createRestrictedRole(client);
  return {
    url: Object.assign(new URL(serverUrl), { username: user, password }).href,
    async stop() {
      await drop();
      await client.end();
    },
  };
}
