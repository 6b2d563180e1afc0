import { VersionNotFoundError } from '../errors/version-errors.js';
import type { Clock, EpochMs } from '../seams/clock.js';
import type { StrandedRecord, VersionStore } from '../store/versions.js';
import type { WorkflowDefinition } from '../workflow/definition.js';
import type { Registry } from '../workflow/registry.js';

/** A version of a workflow. */
export interface VersionInfo {
  readonly workflow: string;
  readonly version: string;
  readonly firstSeenAt: EpochMs;
  /** Whether it takes what is started by name alone, and no other version does. */
  readonly isPromoted: boolean;
  /** How many living processes have its code. */
  readonly executors: number;
  /** How many of its runs execute. */
  readonly running: number;
  /** How many of its runs wait, in queues or for something; beyond 10,000 they are not counted. */
  readonly waiting: number;
}

/** Runs whose code no living process has. */
export interface StrandedRuns {
  readonly workflow: string;
  /** The version that they wait for; null = any. */
  readonly version: string | null;
  /** Beyond 10,000 they are not counted. */
  readonly runs: number;
  /** A few of them. */
  readonly workflowIds: readonly string[];
}

/** The versions of the workflows of a database. */
export interface VersionAdmin {
  /** All versions that any process has had, the newest first; of all workflows, or of one. */
  list(options?: { readonly workflow?: string }): Promise<VersionInfo[]>;
  /**
   * Lets one version take what is started by name alone from now on, in whichever process: by clients, schedules and SQL.
   * What code starts by calling the workflow itself runs as the version of that code, and runs that have begun stay what
   * they are. Without any promotion, each process takes new work as the version that it has.
   *
   * @throws {VersionNotFoundError} if no process has ever had the version
   *
   * @example
   * await perdure.versions.promote('checkout', '2');
   */
  promote(workflow: string, version: string): Promise<void>;
  /**
   * Takes the last promotion back: the version that was promoted before takes new work again. Answers with it; with null
   * if there was none, so that each process takes new work.
   *
   * @throws {VersionNotFoundError} if no version is promoted
   */
  rollBack(workflow: string): Promise<string | null>;
  /** The runs that get no further because no living process has their code, by workflow and version. */
  stranded(): Promise<StrandedRuns[]>;
}

/** The versions as one engine knows them. */
export class Versions implements VersionAdmin {
  readonly #store: VersionStore;
  readonly #registry: Registry;
  readonly #clock: Clock;
  /** Repeats a question while the database is away. */
  readonly #ask: <T>(send: () => Promise<T>) => Promise<T>;
  /** Another version takes new work. */
  readonly #onChange: () => void;
  #promoted: ReadonlyMap<string, string> = new Map();
  #told: { readonly executorId: string; readonly definitions: readonly WorkflowDefinition[] } | null = null;

  constructor(options: {
    readonly store: VersionStore;
    readonly registry: Registry;
    readonly clock: Clock;
    readonly ask: <T>(send: () => Promise<T>) => Promise<T>;
    readonly onChange: () => void;
  }) {
    this.#store = options.store;
    this.#registry = options.registry;
    this.#clock = options.clock;
    this.#ask = options.ask;
    this.#onChange = options.onChange;
  }

  /** What a run that is started by name becomes here; null if it is for whoever takes it. */
  forNewWork(workflow: string): WorkflowDefinition | null {
    const promoted = this.#promoted.get(workflow);
    return promoted === undefined ? this.#registry.named(workflow) : this.#registry.find(workflow, promoted);
  }

  /** Another process may have promoted a version. What goes wrong is made good by the next look. */
  heardOfChange(): void {
    this.#ask(() => this.refresh()).catch(() => {});
  }

  /** Looks which versions are promoted. */
  async refresh(): Promise<void> {
    this.#promoted = await this.#store.promoted();
  }

  /** Tells the database what an executor has the code of, unless it knows. */
  async serve(executorId: string): Promise<void> {
    const definitions = this.#registry.all();
    if (this.#told?.executorId === executorId && isSame(this.#told.definitions, definitions)) return;
    await this.#store.serve({ executorId, served: definitions, now: this.#clock.sqlNow() });
    this.#told = { executorId, definitions };
  }

  async list(options: { readonly workflow?: string } = {}): Promise<VersionInfo[]> {
    const workflow = options.workflow ?? null;
    return await this.#ask(() => this.#store.list({ workflow, now: this.#clock.sqlNow() }));
  }

  async promote(workflow: string, version: string): Promise<void> {
    const now = this.#clock.sqlNow();
    const isKnown = await this.#ask(() => this.#store.promote({ workflow, version, now }));
    if (!isKnown) throw new VersionNotFoundError(workflow, version);
    await this.#changed();
  }

  async rollBack(workflow: string): Promise<string | null> {
    const version = (await this.#ask(() => this.#store.promoted())).get(workflow);
    if (version === undefined) throw new VersionNotFoundError(workflow, null);
    // By its name: sent twice, it takes back one promotion and not two.
    await this.#ask(() => this.#store.demote({ workflow, version }));
    await this.#changed();
    return this.#promoted.get(workflow) ?? null;
  }

  async stranded(): Promise<StrandedRuns[]> {
    return (await this.#ask(() => this.#store.stranded(this.#clock.sqlNow()))).map(toStrandedRuns);
  }

  async #changed(): Promise<void> {
    await this.#ask(() => this.refresh());
    this.#onChange();
  }
}

function toStrandedRuns({ workflow, version, promoted, runs, workflowIds }: StrandedRecord): StrandedRuns {
  return { workflow, version: version === '' ? promoted : version, runs, workflowIds };
}

function isSame(one: readonly WorkflowDefinition[], other: readonly WorkflowDefinition[]): boolean {
  return one.length === other.length && one.every((definition, index) => definition === other[index]);
}
