import { InvalidArgumentError } from '../errors/errors.js';
import type { Database } from '../database/database.js';
import { nobodysContext } from '../util/nobodys-context.js';
import { Registry } from '../workflow/registry.js';
import { Desk } from './desk.js';
import { type ClientOptions, type ResolvedOptions, resolveOptions, type SeamOptions } from './engine-options.js';
import { launchError } from './launch-error.js';
import { openGivenDatabase } from './open-database.js';
import { RunAccess } from './run-access.js';

/**
 * Starts runs and asks for them, without executing any: for a web server beside workers, a script, a server action. It
 * listens for results and events rather than asking again and again.
 *
 * @example
 * import type { checkout } from './worker/checkout.js';
 *
 * const client = await PerdureClient.connect({ databaseUrl: process.env.DATABASE_URL });
 * const receipt = await client.workflow<typeof checkout>('checkout')(order);
 */
export class PerdureClient extends RunAccess {
  readonly #desk: Desk;
  readonly #ownDatabase: Database | null; // null = the caller's
  #closed: Promise<void> | null = null;

  /** @internal Use {@link PerdureClient.connect}. */
  constructor(desk: Desk, ownDatabase: Database | null) {
    super(desk);
    this.#desk = desk;
    this.#ownDatabase = ownDatabase;
  }

  /**
   * Connects to the database of the engines. It changes nothing in the schema.
   *
   * @throws {InvalidArgumentError} for an option that doesn't hold
   * @throws {DatabaseUnavailableError} if the database cannot be reached, or takes no writes or connections now
   * @throws {DatabaseRefusedError} if it does not let this role in, or do what is needed
   * @throws {SchemaMissingError} | {@link SchemaTooNewError} if the schema doesn't fit this version
   */
  static async connect(options: ClientOptions): Promise<PerdureClient> {
    return await connect(options);
  }

  /** Ends all waiting, with an `EngineStoppedError`, and leaves no handle open, except a database that is yours. */
  async close(): Promise<void> {
    this.#closed ??= this.#close();
    await this.#closed;
  }

  async #close(): Promise<void> {
    await this.#desk.stop();
    await this.#ownDatabase?.close();
  }
}

/** {@link PerdureClient.connect}, with the seams that tests replace. */
export async function connect(options: ClientOptions & SeamOptions): Promise<PerdureClient> {
  // What it hears and asks later is for all who wait, and not for the request that connects it.
  const inNobodysContext = await nobodysContext();
  return await inNobodysContext(() => connectHere(options));
}

async function connectHere(options: ClientOptions & SeamOptions): Promise<PerdureClient> {
  const resolved = resolveOptions({ ...options, migrate: false });
  const opened = openGivenDatabase(options);
  if (opened === null) {
    throw new InvalidArgumentError(
      'A client needs a databaseUrl, a pool or a database: an embedded Postgres is open to one process, whose engine has it already.',
    );
  }
  const { database, isOwn } = opened;
  const desk = deskWithout(database, resolved, options);
  try {
    await desk.checkSchema();
    await desk.listen();
  } catch (error) {
    await desk.stop();
    if (isOwn) await database.close();
    throw launchError(error);
  }
  return new PerdureClient(desk, isOwn ? database : null);
}

/** A desk without an engine behind it: others execute what it takes in. */
function deskWithout(database: Database, resolved: ResolvedOptions, options: ClientOptions): Desk {
  const desk: Desk = new Desk(database, resolved, new Registry([]), options.errors ?? [], {
    start: (starting) => desk.submit(starting),
    executorId: () => null,
    has: () => false,
    cancel: () => {},
    wake: () => {},
    sweep: () => {},
    problems: () => [],
  });
  return desk;
}
