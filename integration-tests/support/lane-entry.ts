import pg from 'pg';
import type { Circumstance } from './lanes.js';
import { startPgbouncer } from './pgbouncer.js';
import { createRestrictedRole } from './restricted-role.js';

interface LaneEntry {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/** The way in which the engines of a lane reach the server. */
export async function openLane(lane: ReadonlySet<Circumstance>, serverUrl: string): Promise<LaneEntry> {
  const role = lane.has('restricted-role') ? await openRestrictedRole(serverUrl) : direct(serverUrl);
  const pooler = lane.has('pgbouncer') ? await startPgbouncer(role.url) : direct(role.url);
  return {
    url: pooler.url,
    async stop() {
      await pooler.stop();
      await role.stop();
    },
  };
}

/**
 * The same way into a server that engines of this lane have, for one test that cuts connections: a pooler lends them on, and
 * those of the lane's may be another test's when they are cut.
 */
export async function openEntryOfItsOwn(
  lane: ReadonlySet<Circumstance>,
  { serverUrl, engineUrl }: { readonly serverUrl: string; readonly engineUrl: string },
): Promise<LaneEntry> {
  const [behind, { username, password }] = [new URL(serverUrl), new URL(engineUrl)];
  Object.assign(behind, { username, password });
  return lane.has('pgbouncer') ? await startPgbouncer(behind.href) : direct(engineUrl);
}

function direct(url: string): LaneEntry {
  return { url, stop: async () => {} };
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
