import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { databases } from '../support/databases.js';
import { lane } from '../support/lanes.js';
import { prepareSchema } from '../support/restricted-role.js';
import { type CrashRound, runRound } from './crash-rounds.js';
import { readLedger } from './ledger.js';

/** More than any of the workflows has durable items. */
const pointsMax = 25;

describe.each(databases.map(({ name }) => name))('six workflows in processes that are killed, on %s', (kind) => {
  it('end as they would have when killed once, at any checkpoint', { timeout: 150_000 }, async () => {
    const { reached } = await runRounds(kind, 'new runs');
    // The start and the outcome are two of these, and a child has its own; the others are checkpoints.
    expect(reached).toEqual({ sequential: 7, chains: 8, race: 9, pool: 8, parent: 9, retries: 6 });
  });

  it('end as they would have when killed at each checkpoint in turn', { timeout: 150_000 }, async () => {
    const { rounds, tries } = await runRounds(kind, 'same run');
    expect(rounds).toBeGreaterThanOrEqual(9);
    // Each in a process of its own.
    expect(tries).toEqual(['0 recorded, try 1', '1 recorded, try 2', '2 recorded, try 3']);
  });
});

async function runRounds(kind: CrashRound['target']['kind'], mode: CrashRound['mode']) {
  const { folder, target, schema, track } = await surroundings(kind);
  const [ledger, log] = [join(folder, 'ledger'), join(folder, 'log')];
  writeFileSync(ledger, '');
  const reached: Record<string, number> = {};
  const tries = new Set<string>();
  let unfinished: readonly string[] = [];
  let point = 1;
  for (; point === 1 || unfinished.length > 0; point += 1) {
    if (point > pointsMax) throw new Error(`They have not ended at item ${pointsMax}: ${unfinished.join()}`);
    const round = await runRound({ target, schema, ledger, mode, point, unfinished }, log, track);
    for (const { name, result, expected } of round.results)
      expect([name, point, result]).toEqual([name, point, expected]);
    const ended = new Set(round.results.map(({ name }) => name));
    const expectedToEnd = mode === 'new runs' ? unfinished : unfinished.filter((name) => !round.stopped.includes(name));
    expect(expectedToEnd.filter((name) => !ended.has(name))).toEqual([]);

    const recorded = new Set(round.found.filter(({ kind }) => kind === 'step').map(({ key }) => key));
    const begun = readLedger(ledger).filter((line) => line.event === 'begin' && line.pid === round.pid);
    expect(begun.filter(({ key }) => recorded.has(key))).toEqual([]);

    // A try that was recorded counts in every later process.
    for (const { key, attempt } of begun.filter(({ name }) => name === 'flaky')) {
      const failed = round.found.filter((found) => found.kind === 'attempt' && found.key === key).length;
      expect(attempt).toBeGreaterThan(failed);
      expect(attempt).toBeLessThanOrEqual(3);
      tries.add(`${failed} recorded, try ${attempt}`);
    }
    for (const name of round.stopped) reached[name] = point;
    unfinished = round.stopped;
  }
  return { rounds: point - 1, reached, tries: [...tries].sort() };
}

interface Surroundings {
  readonly folder: string;
  readonly target: CrashRound['target'];
  readonly schema: string;
  readonly track: (child: ChildProcess) => void;
}

/** A folder and a schema for one test, which go with it, and so do its processes. */
async function surroundings(kind: CrashRound['target']['kind']): Promise<Surroundings> {
  const folder = await mkdtemp(join(tmpdir(), 'perdure-crashes-'));
  const schema = `test_${randomUUID().replaceAll('-', '')}`;
  const [url, ownerUrl] = [inject('engineUrl'), inject('postgresUrl')];
  const children: ChildProcess[] = [];
  onTestFinished(async () => {
    for (const child of children) child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
    if (kind === 'postgres')
      await asOwner(ownerUrl, (client) => client.query(`drop schema if exists ${schema} cascade`));
  });
  if (lane.has('restricted-role')) {
    await asOwner(ownerUrl, (client) => prepareSchema(client, schema, new URL(url).username));
  }
  const target = kind === 'postgres' ? { kind, url } : { kind, folder: join(folder, 'data') };
  return { folder, target, schema, track: (child) => void children.push(child) };
}

async function asOwner(url: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: url, lock_timeout: 10_000 });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
