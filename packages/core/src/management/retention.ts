import { InvalidArgumentError } from '../errors/errors.js';
import type { Clock, EpochMs } from '../seams/clock.js';
import type { RunStatus } from '../store/records.js';
import type { ListedRun, ListPlace, RunConditions } from '../store/run-listing.js';
import type { Store } from '../store/store.js';
import { type Duration, toMs } from '../util/duration.js';
import { checkName } from '../workflow/names.js';
import { checkList, checkObject, told } from '../util/given.js';

/** How long runs that have ended are kept. Where both limits are given, what is beyond either goes. */
export interface RetentionRule {
  /** Whose runs; those of all workflows that no other rule names by default. */
  readonly workflow?: string;
  /** After so long they go; it counts from their end. */
  readonly olderThan?: Duration;
  /** So many stay, the newest of those that the rule is about. Only in a rule for one workflow. */
  readonly keep?: number;
  /** How they ended; in any way by default. */
  readonly status?: Extract<RunStatus, 'completed' | 'failed' | 'cancelled' | 'dead'>;
}

export interface PruneOptions {
  /** How many go at most; 10,000 by default. */
  readonly limit?: number;
  /** Ends it after the batch under way. */
  readonly signal?: AbortSignal;
}

export interface Pruned {
  readonly deleted: number;
  /** Whether the limit or the signal ended it. */
  readonly isPart: boolean;
}

/** A rule, checked, in the units that the store counts in. */
export interface ResolvedRule {
  readonly workflow: string | null; // null = all that no other rule names
  readonly olderThanMs: number | null;
  readonly keep: number | null;
  readonly statuses: readonly RunStatus[];
}

const endings: readonly RunStatus[] = ['completed', 'failed', 'cancelled', 'dead'];

/** Few enough that a batch takes milliseconds. */
const batchMax = 200;

/** @throws {InvalidArgumentError} for a rule that doesn't hold, and for two of one workflow */
export function resolveRules(rules: readonly RetentionRule[]): readonly ResolvedRule[] {
  checkList('The rules of retention', rules);
  const seen = new Set<string>();
  return [...rules].map((rule) => {
    checkObject('A rule of retention', rule);
    const { workflow, olderThan, keep, status } = rule;
    if (workflow !== undefined) checkName('workflow', workflow);
    if (status !== undefined && !endings.includes(status)) {
      throw new InvalidArgumentError(`status must be one of ${endings.join(', ')}, not ${told(status)}`);
    }
    const which = `${workflow ?? ''}\n${status ?? ''}`;
    if (seen.has(which))
      throw new InvalidArgumentError(`Two rules of retention are about ${workflow ?? 'all workflows'}`);
    seen.add(which);
    if (olderThan === undefined && keep === undefined) {
      throw new InvalidArgumentError('A rule of retention needs olderThan or keep');
    }
    if (keep !== undefined && (workflow === undefined || !Number.isSafeInteger(keep) || keep < 0 || keep >= 2 ** 31)) {
      throw new InvalidArgumentError('keep must be a whole number of at least 0, in a rule for one workflow');
    }
    return {
      workflow: workflow ?? null,
      olderThanMs: olderThan === undefined ? null : toMs(olderThan, 'olderThan'),
      keep: keep ?? null,
      statuses: status === undefined ? endings : [status],
    };
  });
}

export interface RetentionOptions {
  readonly store: Pick<Store, 'runListing' | 'runRemoval'>;
  readonly clock: Clock;
  /** Repeats a question while the database is away. */
  readonly ask: <T>(send: () => Promise<T>) => Promise<T>;
}

/**
 * Deletes runs that have ended, from the oldest on, in small batches one after the other. Each run that somebody has locked is
 * passed over, so that nothing waits for it; claims look at runs that have not ended.
 */
export class Retention {
  readonly #options: RetentionOptions;

  constructor(options: RetentionOptions) {
    this.#options = options;
  }

  async prune(rules: readonly ResolvedRule[], { limit = 10_000, signal }: PruneOptions = {}): Promise<Pruned> {
    if (!Number.isSafeInteger(limit) || limit < 1) {
      throw new InvalidArgumentError('limit must be a whole number above 0');
    }
    const { store, ask } = this.#options;
    const named = rules.flatMap(({ workflow }) => (workflow === null ? [] : [workflow]));
    let deleted = 0;
    for (const rule of rules) {
      for await (const found of this.#beyond(rule, rule.workflow === null ? named : [])) {
        for (let rest = found; rest.length > 0 && deleted < limit;) {
          const batch = rest.slice(0, limit - deleted);
          rest = rest.slice(batch.length);
          deleted += (await ask(() => store.runRemoval.remove(batch, 'passing'))).length;
        }
        if (deleted >= limit || signal?.aborted === true) return { deleted, isPart: true };
      }
    }
    return { deleted, isPart: false };
  }

  /** The runs beyond a rule's limits, from the oldest on; each is looked at once. */
  async *#beyond(
    rule: ResolvedRule,
    exceptNames: readonly string[],
  ): AsyncGenerator<readonly string[], void, undefined> {
    const { store, clock, ask } = this.#options;
    const { workflow, keep, statuses } = rule;
    const endedBefore = rule.olderThanMs === null ? null : clock.now() - rule.olderThanMs;
    const excess =
      workflow === null || keep === null
        ? null
        : await ask(() => store.runRemoval.findExcess(workflow, statuses, keep));
    const where: RunConditions = {
      statuses,
      ...(workflow !== null && { names: [workflow] }),
      ...(exceptNames.length > 0 && { exceptNames }),
      ...(excess === null && { createdBefore: endedBefore ?? 0 }),
    };
    for (let after: ListPlace | null = null; ;) {
      const question = { where, order: 'oldest', after, max: batchMax } as const;
      const page: ListedRun[] = await ask(() => store.runListing.list(question));
      yield page.filter((run) => isBeyond(run, endedBefore, excess)).map(idOf);
      const last = page.at(-1)?.place;
      if (last === undefined || page.length < batchMax) return;
      if (endedBefore === null && excess !== null && isLater(last, excess)) return;
      after = last;
    }
  }
}

const idOf = ({ workflowId }: ListedRun): string => workflowId;

function isBeyond({ finishedAt, place }: ListedRun, endedBefore: EpochMs | null, excess: ListPlace | null): boolean {
  const isOld = endedBefore !== null && finishedAt !== null && finishedAt < endedBefore;
  return isOld || (excess !== null && !isLater(place, excess));
}

const isLater = (place: ListPlace, than: ListPlace): boolean =>
  place.createdAtUs === than.createdAtUs ? place.workflowId > than.workflowId : place.createdAtUs > than.createdAtUs;
