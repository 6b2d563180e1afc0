import { Perdure } from '@perdure/core';
import { postgres } from '@perdure/core/internal';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../recovery/eventually.js';
import { type PostgresServer, startPostgres } from '../support/postgres-server.js';
import { FaultProxy } from './fault-proxy.js';
import { Load } from './load.js';
import { LogBook } from './log-book.js';

/** How long work may take to go on once the server accepts connections. */
const resumeMsMax = 5_000;

const connectionsMax = 20;

let server: PostgresServer;
let schema: string;
let schemas = 0;

beforeAll(async () => {
  server = await startPostgres([`max_connections=${connectionsMax}`]);
});
afterAll(() => server.stop());
beforeEach(() => {
  schema = `test_${(schemas += 1)}`;
});

it('nothing is lost and work goes on when Postgres crashes 20 times under load', { timeout: 120_000 }, async () => {
  const load = new Load();
  const { perdure, log } = await launch(load);
  const { executorId } = perdure;
  load.begin(perdure, 20);
  const resumedAfterMs: number[] = [];
  for (let round = 1; round <= 20; round += 1) {
    await load.runsOn(5);
    const errors = log.count;
    await server.stopImmediately();
    // In some rounds it is back before the engine notices, in some it is away for a while.
    if (round % 2 === 0) await eventually('the engine notices', () => log.count > errors);
    if (round % 4 === 0) await new Promise((resolve) => setTimeout(resolve, 1_000));
    await server.startAgain();
    resumedAfterMs.push(await expectWorkGoesOn(load));
  }
  await load.end();
  process.stdout.write(`work went on after ${resumedAfterMs.join(', ')} ms; ${load.completed} runs ended\n`);
  expect(await lossesOf(load)).toEqual([]);
  expect(perdure.executorId).toBe(executorId);
});

it('nothing is lost when Postgres is down for longer than the lease', { timeout: 60_000 }, async () => {
  const load = new Load();
  const leaseMs = 1_000;
  const { perdure } = await launch(load, { leaseMs });
  const { executorId } = perdure;
  load.begin(perdure, 20);
  for (let round = 1; round <= 2; round += 1) {
    await load.runsOn(5);
    await server.stopImmediately();
    await new Promise((resolve) => setTimeout(resolve, 1.5 * leaseMs));
    await server.startAgain();
    await expectWorkGoesOn(load);
  }
  await load.end();
  expect(await lossesOf(load)).toEqual([]);
  expect(perdure.executorId).toBe(executorId);
});

it('nothing is lost while others hold all connections that the server has', { timeout: 60_000 }, async () => {
  const proxy = await FaultProxy.start(server.url);
  onTestFinished(() => proxy.close());
  const load = new Load();
  const { perdure } = await launch(load, { url: proxy.url });
  const { executorId } = perdure;
  load.begin(perdure, 10);
  for (let round = 1; round <= 3; round += 1) {
    await load.runsOn(5);
    // The engine loses its connections, and others are quicker.
    proxy.impose({ kind: 'refuse' });
    proxy.reset();
    const others = await Promise.all(Array.from({ length: connectionsMax }, () => connectPatiently()));
    await expect(connect()).rejects.toMatchObject({ code: '53300' });
    const before = proxy.accepted;
    proxy.pass();
    await eventually('the engine is refused', () => proxy.accepted >= before + 3);
    await Promise.all(others.map((client) => client.end()));
    await expectWorkGoesOn(load);
  }
  await load.end();
  expect(await lossesOf(load)).toEqual([]);
  expect(perdure.executorId).toBe(executorId);
});

async function launch(
  load: Load,
  { url = server.url, leaseMs = 15_000 }: { readonly url?: string; readonly leaseMs?: number } = {},
): Promise<{ perdure: Perdure; log: LogBook }> {
  const log = new LogBook();
  const database = postgres({ url });
  const options = { database, schema, workflows: [load.workflow], logger: log, lease: leaseMs };
  const perdure = await Perdure.launch(options);
  onTestFinished(async () => {
    await perdure.shutdown({ drainMs: 0 });
    await database.close();
  });
  return { perdure, log };
}

/** A run ends, which takes a commit; answers with how long that took. */
async function expectWorkGoesOn(load: Load): Promise<number> {
  const since = performance.now();
  await load.runsOn(1);
  const resumedAfterMs = Math.round(performance.now() - since);
  expect(resumedAfterMs).toBeLessThan(resumeMsMax);
  return resumedAfterMs;
}

async function lossesOf(load: Load): Promise<string[]> {
  const database = postgres({ url: server.url });
  onTestFinished(() => database.close());
  return await load.losses({ database, schema });
}

async function connect(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: server.url });
  client.on('error', () => {});
  await client.connect();
  return client;
}

/** Goes on until a place is free. */
async function connectPatiently(): Promise<pg.Client> {
  return await eventually('a connection is free', () => connect().catch(() => null));
}
