import type { Codec } from '../codec/codec.js';
import { InvalidArgumentError } from '../errors/errors.js';
import type { RunRecord } from '../store/records.js';
import type { RunGroup, RunGrouping, ListedRun, ListPlace } from '../store/run-listing.js';
import type { Store } from '../store/store.js';
import { type Duration, toMs } from '../util/duration.js';
import type { RunInfo } from '../workflow/run-starter.js';
import { conditionsOf, type RunFilter } from './run-filter.js';
import { checkList, checkObject, told } from '../util/given.js';

export interface ListOptions {
  /** How many at most: 100 by default, and 1,000 at most. */
  readonly limit?: number;
  /** Where an earlier page ended: its `next`. */
  readonly after?: string;
  /** `newest` first by default. */
  readonly order?: 'newest' | 'oldest';
}

export interface RunPage {
  readonly runs: readonly RunInfo[];
  /** For {@link ListOptions.after}; null = there is no more. */
  readonly next: string | null;
}

export interface CountOptions {
  /** What the runs are told apart by; nothing by default. */
  readonly by?: readonly RunGrouping[];
  /** How long the stretches of time are that `createdAt` tells apart; an hour by default. */
  readonly bucket?: Duration;
}

const groupings: readonly unknown[] = ['status', 'name', 'queue', 'version', 'createdAt'] satisfies RunGrouping[];
const pageMax = 1_000;

export interface ListingOptions {
  readonly store: Pick<Store, 'runListing'>;
  readonly codec: Codec;
  /** Repeats a question while the database is away. */
  readonly ask: <T>(send: () => Promise<T>) => Promise<T>;
  readonly toInfo: (run: RunRecord) => RunInfo;
}

/** Runs by what they have in common. */
export class RunListing {
  readonly #options: ListingOptions;

  constructor(options: ListingOptions) {
    this.#options = options;
  }

  async list(filter: RunFilter, options: ListOptions): Promise<RunPage> {
    checkObject('The options of a list', options);
    const { limit = 100, after, order = 'newest' } = options;
    if (!Number.isSafeInteger(limit) || limit < 1 || limit > pageMax) {
      throw new InvalidArgumentError(`limit must be a whole number from 1 to ${pageMax}`);
    }
    if (order !== 'newest' && order !== 'oldest') {
      throw new InvalidArgumentError(`order must be newest or oldest, not ${told(order)}`);
    }
    const { store, ask, toInfo } = this.#options;
    const [where, place] = [conditionsOf(filter), after === undefined ? null : placeOf(after)];
    // One more than asked for, to know whether there is another page.
    const found = await ask(() => store.runListing.list({ where, order, after: place, max: limit + 1 }));
    const runs = found.slice(0, limit);
    const last = found.length > limit ? runs.at(-1) : undefined;
    return {
      runs: runs.map(({ place: _, ...run }) => toInfo(run)),
      next: last === undefined ? null : cursorOf(last.place),
    };
  }

  /** All of them, page by page. */
  async *each(filter: RunFilter, max: number): AsyncGenerator<readonly ListedRun[], void, undefined> {
    const { store, ask } = this.#options;
    const where = conditionsOf(filter);
    let after: ListPlace | null = null;
    for (let left = max; left > 0;) {
      const question = { where, order: 'oldest', after, max: Math.min(left, 500) } as const;
      const page: readonly ListedRun[] = await ask(() => store.runListing.list(question));
      if (page.length > 0) yield page;
      if (page.length < question.max) return;
      after = page.at(-1)?.place ?? null;
      left -= page.length;
    }
  }

  async count(filter: RunFilter, options: CountOptions): Promise<readonly RunGroup[]> {
    checkObject('The options of a count', options);
    const { by = [], bucket = '1h' } = options;
    checkList('by', by);
    const strange = by.find((grouping) => !groupings.includes(grouping));
    if (strange !== undefined || new Set(by).size < by.length) {
      throw new InvalidArgumentError(`by can have each of ${groupings.join(', ')} once`);
    }
    const bucketMs = toMs(bucket, 'bucket');
    if (bucketMs < 1) throw new InvalidArgumentError('bucket must be at least a millisecond');
    const { store, ask } = this.#options;
    const where = conditionsOf(filter);
    return await ask(() => store.runListing.count({ where, by, bucketMs }));
  }
}

const cursorOf = ({ createdAtUs, workflowId }: ListPlace): string =>
  Buffer.from(JSON.stringify([createdAtUs, workflowId])).toString('base64url');

function placeOf(cursor: string): ListPlace {
  try {
    const [createdAtUs, workflowId] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[];
    if (Number.isSafeInteger(createdAtUs) && typeof workflowId === 'string') {
      return { createdAtUs: createdAtUs as number, workflowId };
    }
  } catch {
    // What it is instead doesn't matter.
  }
  throw new InvalidArgumentError('after must be what an earlier page has as next');
}
