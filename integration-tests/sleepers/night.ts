import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PerdureClient } from '@perdure/core';
import pg from 'pg';
import { eventually } from '../recovery/eventually.js';
import { type Memory, SleepingProcess } from './sleeping-process.js';

export interface NightOptions {
  readonly url: string;
  /** A schema that nobody has used yet. */
  readonly schema: string;
  /** How many of each. */
  readonly sleepers: number;
  readonly receivers: number;
  /** When the sleepers are to wake; everybody must be asleep by then. */
  readonly asleepForMs: number;
  /** What becomes of the process while all are asleep. */
  readonly meanwhile: 'stays' | 'is killed' | 'is closed';
}

export interface Night {
  /** What one parked run adds to the heap of its process. */
  readonly heapBytesPerRun: number;
  /** What is left of one that has ended, in the process that was there all night; null if none was. */
  readonly heapBytesPerEndedRun: number | null;
  readonly secondsToStart: number;
  /** From the last start until all were parked. */
  readonly secondsToPark: number;
  /** From the moment at which all were due until all had ended. */
  readonly secondsToWake: number;
  /** The most that the process that woke them had in memory at once. */
  readonly runsMax: number;
  readonly heapMegabytes: {
    readonly before: number;
    readonly parked: number;
    readonly most: number;
    readonly after: number;
  };
  readonly violations: readonly string[];
}

/** What a parked run may cost in memory: nothing to speak of. */
const heapBytesPerRunMax = 200;
/** What waking for the first time loads and compiles. */
const heapBytesToWakeMax = 4_000_000;

/** These run first, so that what a process loads and compiles only once is not counted. */
const warmUps = 1_000;
/** How many are started, or sent to, at once. */
const batch = 1_000;
const megabytes = (bytes: number): number => Math.round(bytes / 10_000) / 100;
const secondsSince = (startMs: number): number => Math.round(performance.now() - startMs) / 1_000;

/** Lets runs fall asleep in one process, and wakes all of them at once. */
export async function night({
  url,
  schema,
  sleepers,
  receivers,
  asleepForMs,
  meanwhile,
}: NightOptions): Promise<Night> {
  const folder = mkdtempSync(join(tmpdir(), 'perdure-night-'));
  const sql = new pg.Client({ connectionString: url });
  await sql.connect();
  const launched: SleepingProcess[] = [];
  const launch = async (): Promise<SleepingProcess> => {
    const process = await SleepingProcess.launch([url, schema, '1s'], join(folder, 'log'));
    launched.push(process);
    return process;
  };
  const count = async (from: string, what = '*'): Promise<number> => {
    const { rows } = await sql.query<{ count: number }>(`select count(${what})::int4 as count from ${schema}.${from}`);
    return rows[0]!.count;
  };

  try {
    const first = await launch();
    await sql.query(
      `create table ${schema}.woken (workflow_id text not null, at timestamptz default clock_timestamp())`,
    );
    const client = await PerdureClient.connect({ databaseUrl: url, schema });
    const until = Date.now() + asleepForMs;
    const [names, listeners] = [ids('sleeper', sleepers + warmUps), ids('receiver', receivers + warmUps)];
    const total = names.length + listeners.length;
    const startAll = async (from: number, to: number): Promise<void> => {
      for (let at = from; at < to; at += batch) {
        const end = Math.min(at + batch, to);
        await first.start({ sleepers: names.slice(at, end), until, receivers: listeners.slice(at, end) });
      }
    };
    const parked = (expected: number): Promise<true> =>
      eventually(
        `${expected} runs are parked before the sleepers wake`,
        async () => {
          if (Date.now() >= until) throw new Error('The sleepers are due before all are asleep: let them sleep longer');
          return (await count(`runs where state = 'parked'`)) === expected;
        },
        asleepForMs,
      );

    await startAll(0, warmUps);
    await parked(2 * warmUps);
    const before = await first.memory();
    const startedMs = performance.now();
    await startAll(warmUps, Math.max(names.length, listeners.length));
    const secondsToStart = secondsSince(startedMs);
    const parkedMs = performance.now();
    await parked(total);
    const secondsToPark = secondsSince(parkedMs);
    const asleep = await first.memory();
    const wokenEarly = await count('woken');

    const sendTo = async (some: readonly string[]): Promise<void> => {
      for (let at = 0; at < some.length; at += batch) {
        await Promise.all(some.slice(at, at + batch).map((id) => client.send(id, 'wake up', null)));
      }
    };
    const half = Math.floor(listeners.length / 2);
    if (meanwhile === 'is killed') await first.kill();
    if (meanwhile === 'is closed') await first.close();
    await eventually('the sleepers are due', () => Date.now() >= until, asleepForMs);
    const dueMs = performance.now();
    await sendTo(listeners.slice(0, half));
    const last = meanwhile === 'stays' ? first : await launch();
    await sendTo(listeners.slice(half));
    await eventually('all have ended', async () => (await count('outcomes')) === total, 60_000 + total * 5);
    const secondsToWake = secondsSince(dueMs);
    const after = await last.memory();
    await client.close();

    const perRun = ({ heapBytes }: Memory): number =>
      Math.round(((heapBytes - before.heapBytes) / (sleepers + receivers)) * 10) / 10;
    const violations: string[] = [];
    if (perRun(asleep) > heapBytesPerRunMax) violations.push(`heap per parked run: ${perRun(asleep)} bytes`);
    const leftMax = heapBytesToWakeMax + (sleepers + receivers) * heapBytesPerRunMax;
    if (meanwhile === 'stays' && after.heapBytes - before.heapBytes > leftMax) {
      violations.push(`heap per run that has ended: ${perRun(after)} bytes`);
    }
    const expect = (fact: string, found: number, expected: number): void => {
      if (found !== expected) violations.push(`${fact}: ${found} instead of ${expected}`);
    };
    expect('woken before they were due', wokenEarly, 0);
    expect('in memory while asleep', asleep.runs, 0);
    expect('woken', await count('woken'), total);
    expect('different ones woken', await count('woken', 'distinct workflow_id'), total);
    expect('completed', await count(`outcomes where kind = 'completed'`), total);
    expect('at their first attempt', await count('runs where attempt = 1 and crashes = 0'), total);
    expect('left in memory', after.runs, 0);
    return {
      heapBytesPerRun: perRun(asleep),
      heapBytesPerEndedRun: meanwhile === 'stays' ? perRun(after) : null,
      secondsToStart,
      secondsToPark,
      secondsToWake,
      runsMax: after.runsMax,
      heapMegabytes: {
        before: megabytes(before.heapBytes),
        parked: megabytes(asleep.heapBytes),
        most: megabytes(after.heapMax),
        after: megabytes(after.heapBytes),
      },
      violations,
    };
  } finally {
    await Promise.all(launched.map((process) => process.kill()));
    await sql.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

function ids(kind: string, count: number): string[] {
  return Array.from({ length: count }, (_, no) => `${kind}-${no}`);
}
