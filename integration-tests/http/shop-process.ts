import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { inject, onTestFinished } from 'vitest';
import { eventually } from '../recovery/eventually.js';
import { type LedgerLine, readLedger } from '../recovery/ledger.js';
import { forkChild } from '../support/children.js';
import { type Received, type Sent, send } from './http-client.js';
import type { ShopOptions } from './shop-options.js';

/** A process that was started, and says when it listens. */
export interface Started {
  readonly child: ChildProcess;
  /** Where it listens; undefined until it does. */
  url(): string | undefined | Promise<string | undefined>;
}

/** A framework that serves shops in processes of their own. */
export interface ShopFramework {
  readonly name: string;
  /** How a process that was asked to leave says that it did. */
  readonly exitCode: number;
  start(options: ShopOptions, output: number): Promise<Started>;
}

/** Express, either version. */
export const expressShop = (name: 'Express 4' | 'Express 5'): ShopFramework =>
  forked(name, new URL('./children/shop-server.ts', import.meta.url));

/** Nest, on either platform. */
export const nestShop = (name: 'Nest on Express' | 'Nest on Fastify'): ShopFramework =>
  forked(name, new URL('./children/nest-shop-server.ts', import.meta.url));

/** A shop that says over the channel to its parent where it listens. */
function forked(name: string, file: URL): ShopFramework {
  return {
    name,
    exitCode: 0,
    async start(options, output) {
      const child = forkChild(file, [JSON.stringify(options)], output);
      let url: string | undefined;
      child.on('message', (message: { readonly url: string }) => (url = message.url));
      return { child, url: () => url };
    },
  };
}

/** A shop in a process of its own. */
export interface ShopProcess {
  post(path: string, sent: Sent): Promise<Received>;
  kill(): Promise<void>;
  /** Asks it to leave, and answers with its exit code. */
  leave(): Promise<number | null>;
}

/** Shops on one schema of a real Postgres. All of it goes with the test, however that ends. */
export class Mall {
  readonly #folder: string;
  readonly #schema = `test_${randomUUID().replaceAll('-', '')}`;
  readonly #url = inject('postgresUrl');
  readonly #client: pg.Client;
  readonly #children: ChildProcess[] = [];

  private constructor(folder: string) {
    this.#folder = folder;
    this.#client = new pg.Client({ connectionString: this.#url, lock_timeout: 10_000 });
  }

  static async create(): Promise<Mall> {
    const mall = new Mall(await mkdtemp(join(tmpdir(), 'perdure-mall-')));
    onTestFinished(() => mall.#dispose());
    writeFileSync(join(mall.#folder, 'ledger'), '');
    await mall.#client.connect();
    return mall;
  }

  async launch(label: string, framework: ShopFramework, leaseMs = 2_000): Promise<ShopProcess> {
    const options: ShopOptions = {
      url: this.#url,
      schema: this.#schema,
      label,
      leaseMs,
      folder: this.#folder,
      framework: framework.name,
    };
    const log = join(this.#folder, `${label}.log`);
    const output = openSync(log, 'a');
    const started = await framework.start(options, output);
    const { child } = started;
    closeSync(output);
    this.#children.push(child);
    const exit = once(child, 'exit').then(([code]) => code as number | null);
    const url = await eventually(`${label} listens`, () => {
      if (child.exitCode !== null) throw new Error(`${label} has ended:\n${readFileSync(log, 'utf8')}`);
      return started.url();
    });
    return {
      post: (path, sent) => send(`${url}${path}`, sent),
      async kill() {
        child.kill('SIGKILL');
        await exit;
      },
      async leave() {
        child.kill('SIGTERM');
        return await exit;
      },
    };
  }

  open(gate: string): void {
    writeFileSync(join(this.#folder, gate), '');
  }

  get ledger(): LedgerLine[] {
    return readLedger(join(this.#folder, 'ledger'));
  }

  async waitsAt(gate: string, process: string): Promise<void> {
    await eventually(`${process} waits at ${gate}`, () =>
      this.ledger.some((line) => line.event === 'waits' && line.what === gate && line.process === process),
    );
  }

  /** The keys of the steps whose results are recorded. */
  async recordedSteps(): Promise<string[]> {
    const { rows } = await this.#client.query<{ workflow_id: string; seq: number }>(
      `select workflow_id, seq from ${this.#schema}.checkpoints where kind = 'step'`,
    );
    return rows.map(({ workflow_id, seq }) => `${workflow_id}:${seq}`);
  }

  /** How many runs of a workflow there are. */
  async countRuns(name: string): Promise<number> {
    const { rows } = await this.#client.query<{ count: number }>(
      `select count(*)::int4 as count from ${this.#schema}.runs where name = $1`,
      [name],
    );
    return rows[0]!.count;
  }

  async #dispose(): Promise<void> {
    try {
      for (const child of this.#children) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      await this.#client.query(`drop schema if exists ${this.#schema} cascade`);
    } finally {
      await this.#client.end();
      await rm(this.#folder, { recursive: true, force: true });
    }
  }
}
