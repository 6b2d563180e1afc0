import type { Codec } from '../codec/codec.js';
import { CancelledError, InvalidArgumentError, RunNotFoundError } from '../errors/errors.js';
import type { Clock } from '../seams/clock.js';
import type { ArchivedRun } from '../store/archives.js';
import type { Store } from '../store/store.js';
import { type Redaction, redact } from './redaction.js';
import { told } from '../util/given.js';

/** Runs with their histories, as plain JSON. */
export interface RunArchive {
  readonly format: 'perdure-runs';
  readonly formatVersion: 1;
  readonly runs: readonly ArchivedRun[];
}

export interface ExportOptions {
  /** With the runs that it has started, and these in turn; true by default. */
  readonly children?: boolean;
  /** What is left out; nothing by default. */
  readonly redact?: Redaction;
}

/** What became of the runs of an archive. */
export interface Imported {
  readonly imported: readonly string[];
  /** Their ids are taken here, and what is there stays as it is. */
  readonly existing: readonly string[];
}

export interface ArchivesOptions {
  readonly store: Pick<Store, 'archives' | 'runListing' | 'runRemoval'>;
  readonly codec: Codec;
  readonly clock: Clock;
  /** Repeats a question while the database is away. */
  readonly ask: <T>(send: () => Promise<T>) => Promise<T>;
}

/** Takes runs from one database to another. */
export class Archives {
  readonly #options: ArchivesOptions;

  constructor(options: ArchivesOptions) {
    this.#options = options;
  }

  /** @throws {RunNotFoundError} */
  async export(workflowId: string, { children = true, redact: redaction }: ExportOptions): Promise<RunArchive> {
    const { store, codec, ask } = this.#options;
    const ids = children ? await ask(() => store.runRemoval.findTrees([workflowId])) : [workflowId];
    const runs: ArchivedRun[] = [];
    for (const id of ids) {
      const run = await ask(() => store.archives.read(id));
      if (run !== null) runs.push(redaction === undefined ? run : redact(run, redaction, codec));
    }
    if (!runs.some(({ run }) => run.workflow_id === workflowId)) throw new RunNotFoundError(workflowId);
    return { format: 'perdure-runs', formatVersion: 1, runs };
  }

  /** @throws {InvalidArgumentError} for what is no archive, or one of a later version */
  async import(archive: RunArchive): Promise<Imported> {
    const { store, codec, clock, ask } = this.#options;
    checkArchive(archive);
    const imported = new Set<string>();
    const existing: string[] = [];
    for (const run of archive.runs) {
      const { workflow_id: workflowId } = run.run;
      // That the id is free is settled first: it is not, where the run is written again because the reply was lost.
      const isFree = !imported.has(workflowId) && !(await this.#isTaken(workflowId));
      const ended = codec.encodeError(new CancelledError(workflowId));
      if (isFree && (await ask(() => store.archives.write(run, ended, clock.sqlNow())))) imported.add(workflowId);
      else existing.push(workflowId);
    }
    return { imported: [...imported], existing };
  }

  async #isTaken(workflowId: string): Promise<boolean> {
    const { store, ask } = this.#options;
    const which = { where: { ids: [workflowId] }, order: 'oldest', after: null, max: 1 } as const;
    return (await ask(() => store.runListing.list(which))).length > 0;
  }
}

function checkArchive(archive: unknown): asserts archive is RunArchive {
  const { format, formatVersion, runs } = (archive ?? {}) as Partial<Record<keyof RunArchive, unknown>>;
  if (format !== 'perdure-runs' || !Array.isArray(runs)) {
    throw new InvalidArgumentError('This is no archive of runs: it must be what runs.export() has returned');
  }
  if (formatVersion !== 1) {
    throw new InvalidArgumentError(
      `The archive has the format ${told(formatVersion)}, and this version reads 1. Upgrade @perdure/core.`,
    );
  }
}
