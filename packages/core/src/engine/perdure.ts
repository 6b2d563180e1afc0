import type { Database } from '../database/database.js';
import { embedded } from '../database/embedded.js';
import { type Duration, toMs } from '../util/duration.js';
import { nobodysContext } from '../util/nobodys-context.js';
import { processState } from '../workflow/process-state.js';
import { Registry } from '../workflow/registry.js';
import { Engine } from './engine.js';
import type { Health } from './health.js';
import { launchError } from './launch-error.js';
import { openGivenDatabase } from './open-database.js';
import { RunAccess } from './run-access.js';
import { type LaunchOptions, resolveOptions, type SeamOptions } from './engine-options.js';

/** Stops an engine dead, for tests. */
export const crash = Symbol('crash');

/** An engine in this process: it runs workflows, recovers those of processes that died, and answers for runs. */
export class Perdure extends RunAccess {
  readonly #engine: Engine;
  readonly #ownDatabase: Database | null; // null = the caller's
  #shutdown: Promise<void> | null = null;

  /** @internal Use {@link Perdure.launch}. */
  constructor(engine: Engine, ownDatabase: Database | null) {
    super(engine.desk);
    this.#engine = engine;
    this.#ownDatabase = ownDatabase;
  }

  /**
   * Opens the database, brings its schema up to date, and starts running workflows.
   *
   * Without options, or with `databaseUrl` unset, it uses an embedded Postgres in the folder `.perdure`.
   *
   * @throws {InvalidArgumentError} for an option that doesn't hold
   * @throws {DatabaseUnavailableError} if the database cannot be reached, or takes no writes or connections now
   * @throws {DatabaseRefusedError} if it does not let this role in, or do what is needed
   * @throws {FolderInUseError} if another process uses the embedded Postgres
   * @throws {SchemaMissingError} | {@link SchemaTooNewError} if the schema doesn't fit this version
   *
   * @example
   * const perdure = await Perdure.launch({ databaseUrl: process.env.DATABASE_URL });
   */
  static async launch(options: LaunchOptions = {}): Promise<Perdure> {
    return await launch(options);
  }

  /** This engine's id in the database: random, and new at each launch and after a lost lease; null in between. */
  get executorId(): string | null {
    return this.#engine.executorId;
  }

  /**
   * How this engine is doing, and why, for a health check: `unhealthy` means that nothing started here gets on, `degraded`
   * that it gets on more slowly. Asks nothing of the database; the heartbeats tell.
   *
   * @example
   * app.get('/health', (_, res) => {
   *   const { status, reasons } = perdure.health();
   *   res.status(status === 'unhealthy' ? 503 : 200).json({ status, reasons });
   * });
   */
  health(): Health {
    return this.#engine.health();
  }

  /**
   * Hands everything over and stops: no new step begins, the steps under way get `drainMs` to end, and the runs go on in
   * other processes at once. Leaves no timer, connection or other handle open, except a database that is yours.
   *
   * Callers that still wait for results get an `EngineStoppedError`; the runs themselves are not affected.
   *
   * @param options `drainMs` is 10 s by default
   *
   * @example
   * process.once('SIGTERM', () => void perdure.shutdown());
   */
  async shutdown(options: { readonly drainMs?: Duration } = {}): Promise<void> {
    const drainMs = toMs(options.drainMs ?? '10s', 'drainMs');
    this.#shutdown ??= this.#stop(() => this.#engine.shutdown(drainMs));
    await this.#shutdown;
  }

  /** @internal Stops dead, as a killed process would. */
  async [crash](): Promise<void> {
    this.#shutdown ??= this.#stop(() => this.#engine.crash());
    await this.#shutdown;
  }

  async #stop(stopEngine: () => Promise<void>): Promise<void> {
    processState().launched.delete(this.#engine.desk);
    await stopEngine();
    await this.#ownDatabase?.close();
  }
}

/** {@link Perdure.launch}, with the seams that tests replace. */
export async function launch(options: LaunchOptions & SeamOptions): Promise<Perdure> {
  // A request may be what launches the engine, and is not what its heartbeats, claims and recovered runs are done for.
  const inNobodysContext = await nobodysContext();
  return await inNobodysContext(() => launchHere(options));
}

async function launchHere(options: LaunchOptions & SeamOptions): Promise<Perdure> {
  const resolved = resolveOptions(options);
  const registry = new Registry(
    options.workflows?.map(({ definition }) => definition) ?? null,
    options.privateWorkflows?.map(({ definition }) => definition),
  );
  const { database, isOwn } = openGivenDatabase(options) ?? {
    database: embedded({ folder: options.folder ?? '.perdure' }),
    isOwn: true,
  };
  const engine = new Engine(database, resolved, registry, options.errors ?? []);
  try {
    await engine.launch();
  } catch (error) {
    await engine.crash();
    if (isOwn) await database.close();
    throw launchError(error);
  }
  processState().launched.add(engine.desk);
  return new Perdure(engine, isOwn ? database : null);
}
