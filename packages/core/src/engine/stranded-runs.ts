import type { Clock, EpochMs } from '../seams/clock.js';
import type { Logger } from '../seams/logger.js';
import type { Random } from '../seams/random.js';
import type { StrandedRecord } from '../store/versions.js';
import { Loop } from '../util/loop.js';

export interface StrandedWatchOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly intervalMs: number;
  readonly find: () => Promise<readonly StrandedRecord[]>;
  /** What is to be done about runs that are stranded; null = nothing. */
  readonly rescue: ((runs: readonly StrandedRecord[], isStopped: () => boolean) => Promise<void>) | null;
}

/**
 * Looks from time to time for runs that get no further because no living process has their code, says so once, and keeps it
 * at hand for health checks. What nobody has at two looks in a row counts: between two processes of one version there may
 * be a moment without any.
 */
export class StrandedWatch {
  readonly #options: StrandedWatchOptions;
  readonly #loop: Loop;
  /** Since when, by workflow and version. */
  #seen: ReadonlyMap<string, EpochMs> = new Map();
  #stranded: readonly StrandedRecord[] = [];
  #told: ReadonlySet<string> = new Set();
  #isStopped = false;

  constructor(options: StrandedWatchOptions) {
    this.#options = options;
    const { clock, random, logger, intervalMs } = options;
    this.#loop = new Loop({ name: 'versions', clock, random, logger, intervalMs, round: () => this.#look() });
  }

  start(): void {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#loop.stop();
  }

  /** Which runs are stranded, in words, and since when; null if none are. */
  get problem(): { readonly message: string; readonly since: EpochMs } | null {
    const [first] = this.#stranded;
    if (first === undefined) return null;
    const since = Math.min(
      ...this.#stranded.map((record) => this.#seen.get(keyOf(record)) ?? this.#options.clock.now()),
    );
    const others = this.#stranded.length - 1;
    const more = others === 0 ? '' : `, and so do runs of ${others} more`;
    return {
      since,
      message: `${first.runs} run(s) of workflow "${first.workflow}" wait for ${wantedBy(first)}${more}. Launch a process with that code, or see perdure.versions.stranded() and perdure.check().`,
    };
  }

  async #look(): Promise<void> {
    const { clock, logger, find, rescue } = this.#options;
    const found = await find();
    const now = clock.now();
    let stranded = found.filter((record) => this.#seen.has(keyOf(record)));
    this.#seen = new Map(found.map((record) => [keyOf(record), this.#seen.get(keyOf(record)) ?? now]));
    if (rescue !== null && stranded.length > 0) {
      await rescue(stranded, () => this.#isStopped);
      const left = new Map((await find()).map((record) => [keyOf(record), record]));
      stranded = stranded.flatMap((record) => left.get(keyOf(record)) ?? []);
    }
    this.#stranded = stranded;
    for (const record of stranded) {
      if (this.#told.has(keyOf(record))) continue;
      const { workflow, runs, workflowIds } = record;
      logger.warn({ workflow, runs, workflowIds }, `runs get no further: they wait for ${wantedBy(record)}`);
    }
    this.#told = new Set(stranded.map(keyOf));
  }
}

const keyOf = ({ workflow, version }: StrandedRecord): string => `${workflow}\n${version}`;

function wantedBy({ version, promoted }: StrandedRecord): string {
  if (version !== '') return `version "${version}", which no process has`;
  return promoted === null
    ? 'a process that has the workflow'
    : `the promoted version "${promoted}", which no process has`;
}
