import { setTimeout as wait } from 'node:timers/promises';
import type pg from 'pg';
import type { Scene } from '../torture/torture.js';

/** What one moment of the soak looks like. */
export interface Sample {
  readonly at: number;
  /** Of each process that is spared, after its garbage has been collected. */
  readonly heapMb: readonly number[];
  readonly rssMb: readonly number[];
  readonly handles: readonly number[];
  /** Connections of each process that is spared. */
  readonly connections: readonly number[];
  /** Of all rows in the engine's tables, how many are dead. */
  readonly deadRatio: number;
  readonly deadRows: Readonly<Record<string, number>>;
}

/** Looks from time to time, until faults stop. What cannot be asked while Postgres is down is left out. */
export async function takeSamples(
  { fleet, admin, schema, until }: Scene,
  everyMs: number,
  labels: readonly string[],
): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (; Date.now() + everyMs < until; await wait(everyMs)) {
    const vitals = await fleet.vitals(5_000);
    if (vitals.length < labels.length) continue;
    try {
      const [connections, rows] = [await countConnections(admin, labels), await countRows(admin, schema)];
      const dead = rows.reduce((sum, row) => sum + row.dead, 0);
      const all = rows.reduce((sum, row) => sum + row.dead + row.live, 0);
      samples.push({
        at: Date.now(),
        heapMb: vitals.map(({ heapBytes }) => inMb(heapBytes)),
        rssMb: vitals.map(({ rssBytes }) => inMb(rssBytes)),
        handles: vitals.map(({ handles }) => handles),
        connections,
        deadRatio: all === 0 ? 0 : Math.round((1_000 * dead) / all) / 1_000,
        deadRows: Object.fromEntries(rows.filter((row) => row.dead > 0).map(({ name, dead: of }) => [name, of])),
      });
    } catch {
      // Postgres is down; the next look is soon enough.
    }
  }
  return samples;
}

async function countConnections(admin: pg.Pool, labels: readonly string[]): Promise<number[]> {
  const { rows } = await admin.query<{ count: number }>(
    `select (select count(*)::int4 from pg_stat_activity where application_name = label) as count
     from unnest($1::text[]) with ordinality as given(label, no) order by no`,
    [labels],
  );
  return rows.map(({ count }) => count);
}

async function countRows(admin: pg.Pool, schema: string): Promise<{ name: string; dead: number; live: number }[]> {
  const { rows } = await admin.query<{ name: string; dead: number; live: number }>(
    `select relname as name, n_dead_tup::float8 as dead, n_live_tup::float8 as live
     from pg_stat_user_tables where schemaname = $1 order by relname`,
    [schema],
  );
  return rows;
}

const inMb = (bytes: number): number => Math.round(bytes / 104_857.6) / 10;
