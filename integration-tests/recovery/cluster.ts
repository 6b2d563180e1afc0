import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { inject, onTestFinished } from 'vitest';
import { lane } from '../support/lanes.js';
import { prepareSchema } from '../support/restricted-role.js';
import { eventually } from './eventually.js';
import { type LedgerLine, readLedger } from './ledger.js';
import { WorkerProcess, type WorkerOptions } from './worker-process.js';

export interface RecordedStep {
  /** The idempotency key of the step. */
  readonly key: string;
  readonly workflowId: string;
  /** The attempt of the run that wrote it. */
  readonly attempt: number;
}

/**
 * Several processes on one schema of a real Postgres, with a ledger and gates. All of it belongs to the running test, and
 * goes when that ends, however it ends.
 */
export class Cluster {
  readonly schema = `test_${randomUUID().replaceAll('-', '')}`;
  /** How the processes reach the server; the tests themselves do so as its superuser. */
  readonly url = inject('engineUrl');
  readonly #folder: string;
  readonly #workers: WorkerProcess[] = [];
  readonly #client: pg.Client;

  private constructor(folder: string) {
    this.#folder = folder;
    // What a forgotten transaction still locks fails the test with a message rather than hanging it.
    this.#client = new pg.Client({ connectionString: inject('postgresUrl'), lock_timeout: 10_000 });
  }

  static async create(): Promise<Cluster> {
    const cluster = new Cluster(await mkdtemp(join(tmpdir(), 'perdure-cluster-')));
    onTestFinished(async ({ task }) => {
      if (task.result?.state === 'fail') cluster.#showLogs();
      await cluster.#dispose();
    });
    mkdirSync(cluster.#gates);
    writeFileSync(cluster.#ledgerFile, '');
    await cluster.#client.connect();
    if (lane.has('restricted-role')) {
      await prepareSchema(cluster.#client, cluster.schema, new URL(cluster.url).username);
    }
    return cluster;
  }

  /**
   * What Postgres shows as the application's name of a process, so that a test can tell whose writes and connections it
   * sees: also from those of other tests, whose processes have the same labels, on the same server.
   */
  applicationName(label: string): string {
    return `${this.schema}.${label}`;
  }

  /** Starts a process; `label` names it. */
  async launch(label: string, options: Partial<WorkerOptions> = {}): Promise<WorkerProcess> {
    const worker = await WorkerProcess.launch(
      {
        label,
        url: this.url,
        schema: this.schema,
        ledger: this.#ledgerFile,
        gates: this.#gates,
        leaseMs: 2_000,
        drainMs: 10_000,
        maxCrashes: 5,
        noticesLate: false,
        ...options,
      },
      join(this.#folder, `${label}.log`),
      (started) => this.#workers.push(started),
    );
    return worker;
  }

  async sql<R extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<R[]> {
    // Without values it may be several statements.
    const { rows } =
      values === undefined ? await this.#client.query<R>(text) : await this.#client.query<R>(text, [...values]);
    return rows;
  }

  /** Lets the steps at this gate go on: everywhere, or in the process that a label after a dot names. */
  open(gate: string): void {
    writeFileSync(join(this.#gates, gate), '');
  }

  get ledger(): LedgerLine[] {
    return readLedger(this.#ledgerFile);
  }

  /** Waits until the ledger holds this many lines of a kind. */
  async ledgerHas(
    count: number,
    fact: string,
    isMeant: (line: LedgerLine) => boolean,
    deadlineMs?: number,
  ): Promise<void> {
    const look = (): boolean => {
      const failed = this.#workers.find((worker) => worker.hasFailed);
      if (failed !== undefined) throw new Error(`${failed.label} ended with an error before this came about: ${fact}`);
      return this.ledger.filter(isMeant).length >= count;
    };
    await eventually(`${fact}, ${count} times`, look, deadlineMs);
  }

  async recordedSteps(): Promise<RecordedStep[]> {
    const rows = await this.sql<{ workflow_id: string; seq: number; attempt: number }>(
      `select workflow_id, seq, attempt from ${this.schema}.checkpoints where kind = 'step'`,
    );
    return rows.map(({ workflow_id, seq, attempt }) => ({
      key: `${workflow_id}:${seq}`,
      workflowId: workflow_id,
      attempt,
    }));
  }

  /** How many of the runs that tests started have an outcome; children don't count. */
  async countOutcomes(): Promise<number> {
    const [row] = await this.sql<{ count: number }>(
      `select count(*)::int4 as count from ${this.schema}.outcomes join ${this.schema}.runs using (workflow_id)
        where parent_id is null`,
    );
    return row!.count;
  }

  get #gates(): string {
    return join(this.#folder, 'gates');
  }

  get #ledgerFile(): string {
    return join(this.#folder, 'ledger');
  }

  /** What the processes printed, which otherwise goes with the folder. */
  #showLogs(): void {
    for (const name of readdirSync(this.#folder).filter((name) => name.endsWith('.log'))) {
      const text = readFileSync(join(this.#folder, name), 'utf8');
      if (text !== '') process.stderr.write(`--- ${name}\n${text}\n`);
    }
  }

  async #dispose(): Promise<void> {
    try {
      await Promise.all(this.#workers.map((worker) => worker.kill()));
      await this.#client.query(`drop schema if exists ${this.schema} cascade`);
    } finally {
      await this.#client.end();
      await rm(this.#folder, { recursive: true, force: true });
    }
  }
}
