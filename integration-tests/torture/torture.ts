import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { PerdureClient } from '@perdure/core';
import { migrate, postgres } from '@perdure/core/internal';
import pg from 'pg';
import { check } from '../checker/check.js';
import type { Evidence, LedgerLine, QueueRule, Rest } from '../checker/evidence.js';
import { FaultProxy } from '../faults/fault-proxy.js';
import { LogBook } from '../faults/log-book.js';
import { bundleSource, newBundle } from '../support/bundle-source.js';
import { type PostgresServer, startPostgres } from '../support/postgres-server.js';
import { installAudit, readAudit, readBookings } from './audit-trail.js';
import { Clients } from './clients.js';
import { Fleet } from './fleet.js';
import { Killer } from './killer.js';
import { type FaultRates, planFaults } from './plan.js';
import { queueSettings, tickEveryMs } from './programs.js';
import { summarize, type TortureReport } from './report.js';
import { measureRest, type Unfinished, unfinished } from './rest.js';

export interface TortureOptions {
  readonly seed: string;
  /** How long faults come about. */
  readonly forMs: number;
  readonly processes: number;
  /** How many sessions of clients begin in a second. */
  readonly perSecond: number;
  readonly rates: FaultRates;
  /** By when, once faults have stopped, everything must have ended. */
  readonly convergeMs: number;
  /** How many runs there are that kill their processes. */
  readonly poisons: number;
  /** How many processes only the database and the network do something to. */
  readonly spared?: number;
  /** Looks on until faults stop. */
  readonly observe?: (scene: Scene) => Promise<void>;
  /** Hears from time to time how it goes. */
  readonly onProgress?: (line: string) => void;
}

/** What can be looked at while faults come about. */
export interface Scene {
  readonly fleet: Fleet;
  readonly admin: pg.Pool;
  readonly schema: string;
  readonly until: number;
}

const schema = 'torture';
const leaseMs = 2_000;
const crashesMax = 5;

/**
 * Lets processes execute programs that clients start, send to and cancel, while processes and the database are killed,
 * stopped and cut off; then has what happened judged by the checker.
 */
export async function torture(options: TortureOptions): Promise<TortureReport> {
  const since = Date.now();
  const bundle = newBundle('perdure-torture');
  await bundleSource(bundle, { worker: new URL('./children/worker.ts', import.meta.url) });
  const folder = mkdtempSync(join(tmpdir(), 'perdure-torture-'));
  // Nothing of the machine fails, so nothing is lost without fsync.
  const server = await startPostgres(['track_commit_timestamp=on', 'fsync=off']);
  try {
    const evidence = await play(options, { server, folder, module: `${bundle.folder}/worker.mjs` });
    const report = summarize(evidence.evidence, {
      ...evidence.told,
      violations: check(evidence.evidence),
      seconds: Math.round((Date.now() - since) / 1_000),
    });
    if (report.violations.length === 0) return report;
    return { ...report, keptIn: keep(evidence.evidence, join(folder, 'log')) };
  } finally {
    await server.stop();
    bundle.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Place {
  readonly server: PostgresServer;
  readonly folder: string;
  readonly module: string;
}

interface Played {
  readonly evidence: Evidence;
  readonly told: {
    readonly launched: number;
    readonly deploys: number;
    readonly troubles: readonly string[];
    readonly convergedAfterMs: number;
  };
}

async function play(options: TortureOptions, { server, folder, module }: Place): Promise<Played> {
  const { seed, forMs, onProgress = () => {} } = options;
  const [ledger, log] = [join(folder, 'ledger'), join(folder, 'log')];
  appendFileSync(ledger, '');
  appendFileSync(log, '');
  const proxy = await FaultProxy.start(server.url);
  const admin = new pg.Pool({ connectionString: server.url, max: 2 });
  // A connection that Postgres took with it; the next question opens another.
  admin.on('error', () => {});
  const databases = [server.url, server.url].map((url) => postgres({ url, applicationName: 'client' }));
  const ticksFrom = Date.now();
  const ticksUntil = ticksFrom + forMs;
  const fleet = new Fleet({
    module,
    size: options.processes,
    spared: options.spared ?? 0,
    job: { schema, ledger, leaseMs, crashesMax, ticksFrom, ticksUntil },
    urls: [server.url, proxy.url],
    log,
  });
  try {
    await migrate(databases[0]!, schema);
    await withClient(server.url, (client) => installAudit(client, schema));
    const connected = await Promise.all(
      databases.map((database) => PerdureClient.connect({ database, schema, logger: new LogBook() })),
    );
    const clients = new Clients({
      seed,
      clients: [connected[0]!, connected[1]!],
      width: 150,
      perSecond: options.perSecond,
    });
    await fleet.launch();
    const launchedAt = Date.now();
    for (let no = 0; no < options.poisons; no += 1) clients.poison(`poison${no}`);
    const killer = new Killer({ seed, fleet, server, proxy, admin, leaseMs, promote: connected[0]!.versions });
    const playing = clients.play();
    const observing = options.observe?.({ fleet, admin, schema, until: ticksUntil });
    await killer.run(planFaults(seed, options.rates, forMs), (done, planned) =>
      onProgress(`${done} of ${planned} faults, ${clients.sessions} sessions, ${clients.open} open`),
    );
    await wait(Math.max(0, ticksUntil - Date.now()));
    clients.stop();
    await playing;
    await observing;
    fleet.resumeAll();

    const calmAt = Date.now();
    const hasEnded = await clients.ended(options.convergeMs);
    const left = await converge(server.url, options.convergeMs - (Date.now() - calmAt));
    const convergedAfterMs = Date.now() - calmAt;
    onProgress(`calm after ${convergedAfterMs} ms: ${JSON.stringify({ hasEnded, ...left })}`);
    if (!hasEnded) clients.abandon();
    const killedInTheEnd = await fleet.disband(20_000);
    await Promise.all(connected.map((client) => client.close()));
    await proxy.close();

    const evidence = await withClient(server.url, async (client): Promise<Evidence> => {
      const rest: Rest = {
        ...(await measureRest(client, schema)),
        'processes that had to be killed in the end': killedInTheEnd,
        'processes that ended with an error': fleet.failed.length,
      };
      return {
        seed,
        ledger: readLedger(ledger),
        clients: clients.events,
        audit: await readAudit(client),
        faults: fleet.faults,
        booked: await readBookings(client),
        rest,
        rules: {
          expected: clients.expected,
          queues: queueRules,
          // The schedule is there from when the first process is.
          schedules: [
            { workflow: 'tick', everyMs: tickEveryMs, countedFrom: ticksFrom, from: launchedAt, until: ticksUntil },
          ],
          cancelGraceMs: 2_000,
          noticeMs: leaseMs,
          clockToleranceMs: 5,
          crashesMax,
          userErrors: ['Declined'],
        },
      };
    });
    return {
      evidence,
      told: {
        launched: fleet.launched,
        deploys: Number(fleet.build) - 1,
        troubles: clients.troubles,
        convergedAfterMs,
      },
    };
  } finally {
    fleet.killAll();
    await proxy.close().catch(() => {});
    await admin.end();
    await Promise.all(databases.map((database) => database.close()));
  }
}

/** Waits until every run has ended and the schedule has come to its end, or answers with what has not. */
async function converge(url: string, deadlineMs: number): Promise<Unfinished> {
  const since = performance.now();
  return await withClient(url, async (client) => {
    for (;;) {
      const left = await unfinished(client, schema);
      const isCalm = left.runs === 0 && left.schedules === 0 && left.silent === 0;
      // Who died last has been silent for less than a second so far.
      if ((isCalm && performance.now() - since > 1_000) || performance.now() - since > deadlineMs) return left;
      await wait(100);
    }
  });
}

const queueRules: readonly QueueRule[] = [
  { name: 'narrow', ...queueSettings.narrow, overtakenAfterMs: 3_000 },
  { name: 'keyed', concurrency: queueSettings.keyed.concurrency, keyConcurrency: 1, overtakenAfterMs: null },
  {
    name: 'rated',
    rate: { units: queueSettings.rated.rateLimit.limit, periodMs: queueSettings.rated.rateLimit.per },
    overtakenAfterMs: 3_000,
  },
];

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** In the order in which the lines came, from whichever process. */
function readLedger(path: string): LedgerLine[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.slice(0, -1).map((line) => JSON.parse(line) as LedgerLine);
}

/** What shows what happened stays when something is wrong. */
function keep(evidence: Evidence, log: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'torture-evidence-'));
  mkdirSync(folder, { recursive: true });
  const write = (name: string, events: readonly object[]): void =>
    writeFileSync(join(folder, `${name}.ndjson`), events.map((event) => `${JSON.stringify(event)}\n`).join(''));
  write('ledger', evidence.ledger);
  write('clients', evidence.clients);
  write('audit', evidence.audit);
  write('faults', evidence.faults);
  writeFileSync(join(folder, 'expected.json'), JSON.stringify([...evidence.rules.expected]));
  writeFileSync(join(folder, 'log'), readFileSync(log));
  return folder;
}
