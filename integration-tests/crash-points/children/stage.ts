import { readFileSync } from 'node:fs';
import {
  currentRun,
  type Perdure,
  type PerdureClient,
  type RunHandle,
  type TransactionClient,
  workflow,
} from '@perdure/core';
import { connect, type Database, embedded, launch, postgres } from '@perdure/core/internal';
import { VirtualClock } from '@perdure/testing';
import pg from 'pg';
import { heldDatabase } from '../../../packages/testing/src/held-database.js';
import { deferred } from '../../../packages/core/src/util/deferred.js';
import type { LedgerLine } from '../../recovery/ledger.js';
import type { Noted } from '../../support/scenarios.js';
import type { Ending, Job, Role } from '../jobs.js';
import { LedgerWriter } from '../../recovery/children/ledger-writer.js';
import type { RemotePGlite } from './remote-pglite.js';
import { type Trap, trappedDatabase } from './trap.js';

type AnyWorkflow = ReturnType<typeof workflow<[], unknown>>;

/** What the code of workflows is instrumented with. */
export interface Instruments {
  /** For the bodies of steps. */
  readonly noted: Noted;
  readonly define: typeof workflow;
  /** For the `catch` blocks of workflows. */
  readonly caught: (error: unknown) => void;
  /** Where transactional steps write. */
  readonly table: string;
}

/** What is around the users and the steps of a process. */
export interface Surroundings {
  readonly clock: VirtualClock;
  /** Calls something that a user asks for. */
  readonly asked: <T>(ask: () => Promise<T>) => Promise<T>;
  /** A user asks for a run; others look after its result. */
  readonly askedToStart: (start: () => Promise<RunHandle<unknown>>) => Promise<void>;
  /** Calls the body of a step. */
  readonly inStep: <T>(body: () => T) => T;
}

const nothing = (): Surroundings => ({
  clock: new VirtualClock(),
  asked: async (ask) => await ask(),
  askedToStart: async (start) => void (await start()),
  inStep: (body) => body(),
});

/** Where a scenario plays: one process, with its engine, and with what its user remembers. */
export class Stage implements Instruments {
  readonly id: string;
  readonly role: Role;
  readonly schema: string;
  readonly table: string;
  readonly clock: VirtualClock;
  readonly noted: Noted;
  readonly #job: Job;
  readonly #around: Surroundings;
  readonly #trap: Trap;
  readonly #pglite: RemotePGlite | null; // null = Postgres
  readonly #ledger: LedgerWriter;
  readonly #remembered: ReadonlySet<string>;
  readonly #begun = new Map<string, { promise: Promise<void>; resolve(): void }>();
  readonly #engines: Perdure[] = [];
  readonly #clients: PerdureClient[] = [];
  readonly #databases: Database[] = [];

  constructor(job: Job, trap: Trap, pglite: RemotePGlite | null, around = nothing()) {
    this.#around = around;
    this.clock = around.clock;
    this.id = job.workflowId;
    this.role = job.role;
    this.schema = job.schema;
    this.table = `"${job.schema}".items`;
    this.#job = job;
    this.#trap = trap;
    this.#pglite = pglite;
    this.#remembered = new Set(
      readFileSync(job.ledger, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as LedgerLine)
        .flatMap(({ event, what }) => (event === 'did' ? [what] : [])),
    );
    this.#ledger = new LedgerWriter(job.ledger, job.label);
    this.noted = (body) =>
      this.#ledger.noted(() => {
        this.#whenBegun(currentRun()?.step?.name ?? 'none').resolve();
        return around.inStep(body);
      });
    this.clock.advance(Math.max(0, job.startsAt - this.clock.now()));
  }

  /** The engine that runs the workflows. */
  get perdure(): Perdure {
    return this.#engines[0]!;
  }

  /** Launches an engine with connections of its own: the first one, or one more in this process. */
  async launch(
    workflows: readonly AnyWorkflow[],
    { flushItemsMax = 1_000, parkAfter = false }: { flushItemsMax?: number; parkAfter?: string | false } = {},
  ): Promise<Perdure> {
    const { schema, clock } = this;
    const engine = await launch({
      database: this.#trapped(),
      schema,
      workflows,
      clock,
      flushItemsMax,
      lease: '15s',
      parkAfter,
      logger: silent,
    });
    this.#engines.push(engine);
    return engine;
  }

  /** Connects a client, with connections of its own. */
  async connect(): Promise<PerdureClient> {
    const { schema, clock } = this;
    const client = await connect({ database: this.#trapped(), schema, clock, logger: silent });
    this.#clients.push(client);
    return client;
  }

  /** Shuts down, without being counted any more. */
  async close(): Promise<void> {
    // The last statement may still have its moment after.
    await new Promise((resolve) => setImmediate(resolve));
    this.#trap.disarm();
    for (const client of this.#clients) await client.close();
    for (const engine of this.#engines) await engine.shutdown({ drainMs: 0 });
    this.clock.stop();
    for (const database of this.#databases) await database.close();
  }

  /** Does something, unless an earlier process did it and heard that it is done. */
  async once(what: string, work: () => Promise<unknown>): Promise<void> {
    await this.#unlessRemembered(what, () => this.#around.asked(work));
  }

  /** Starts a run as a caller does who tries until the start succeeds. */
  async start(workflow: AnyWorkflow, id = this.id, engine = this.perdure): Promise<void> {
    const what = `start ${id}`;
    const start = () => workflow.with({ workflowId: id, engine }).start();
    await this.#unlessRemembered(what, () => this.#around.askedToStart(start));
  }

  async ending(id = this.id, engine = this.perdure): Promise<Ending> {
    return await endingOf(engine.run(id));
  }

  /** Resolves when the body of a step of this name begins in this process. */
  async begun(step: string): Promise<void> {
    await this.#whenBegun(step).promise;
  }

  /** Like {@link workflow}, for functions that no error may leave unnoticed. */
  readonly define: typeof workflow = (name, fn, options) =>
    workflow(
      name,
      async (...args) => {
        try {
          return await fn(...args);
        } catch (error) {
          this.caught(error);
          throw error;
        }
      },
      options,
    );

  /** Notes an error that the code of a workflow was shown. */
  readonly caught = (error: unknown): void => this.#ledger.note('caught', codeOf(error));

  /** A transaction of the application, begun and committed by itself. */
  async transaction<T>(work: (client: TransactionClient) => Promise<T>): Promise<T> {
    return await this.#trap.transaction('of the caller', async (onCommit) => {
      if (this.#pglite !== null) {
        return await this.#pglite.transaction(async (tx) => {
          const result = await work(tx as TransactionClient);
          onCommit();
          return result;
        });
      }
      const client = new pg.Client(this.#job.url!);
      await client.connect();
      try {
        await client.query('begin');
        const result = await work(client);
        onCommit();
        await client.query('commit');
        return result;
      } finally {
        await client.end();
      }
    });
  }

  async #unlessRemembered(what: string, work: () => Promise<unknown>): Promise<void> {
    if (this.#remembered.has(what)) return;
    await work();
    this.#ledger.note('did', what);
  }

  #trapped(): Database {
    const database = this.#open();
    this.#databases.push(database);
    return heldDatabase(trappedDatabase(database, this.#trap), this.clock);
  }

  #open(): Database {
    return this.#pglite === null ? postgres({ url: this.#job.url! }) : embedded({ pglite: this.#pglite });
  }

  #whenBegun(step: string): { promise: Promise<void>; resolve(): void } {
    const known = this.#begun.get(step) ?? deferred<void>();
    this.#begun.set(step, known);
    return known;
  }
}

async function endingOf(run: RunHandle<unknown>): Promise<Ending> {
  try {
    return { value: await run.result() };
  } catch (error) {
    return { code: codeOf(error) };
  }
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

const silent = { debug() {}, info() {}, warn() {}, error() {} };
