import { InvalidArgumentError } from '../errors/errors.js';
import { checkCount } from '../queue/queue-settings.js';
import type { DeduplicationPolicy, QueueingOptions } from '../queue/queueing-options.js';
import type { QueuedRun } from '../store/queue-items.js';
import { toMs } from '../util/duration.js';
import { checkKey, checkName } from '../workflow/names.js';
import type { StartOptions } from '../workflow/run-starter.js';
import { told } from '../util/given.js';

/** How a run is to wait, and for which others it stands. */
export interface Queueing {
  readonly item: Pick<QueuedRun, 'queue' | 'key' | 'priority' | 'units' | 'runAt' | 'delayMs'>;
  readonly deduplication: Deduplication | null;
}

export interface Deduplication {
  readonly id: string;
  readonly policy: DeduplicationPolicy;
  /** How far it may be put off at most, from the first enqueuing on; null = it isn't put off. */
  readonly putOffMaxMs: number | null;
}

/** What only makes sense in a queue. */
const queueingNames = ['key', 'priority', 'delay', 'runAt', 'units', 'deduplication', 'debounce'] as const;

/**
 * Checks how a run is to be enqueued; null if it is to be started.
 *
 * @throws {InvalidArgumentError} for an option that doesn't hold, or that needs a queue
 */
export function prepareQueueing(options: StartOptions): Queueing | null {
  if (options.queue === undefined) {
    const lost = queueingNames.find((name) => options[name] !== undefined);
    if (lost === undefined) return null;
    throw new InvalidArgumentError(
      `${lost} needs a queue to wait in. Name one: with({ queue: 'emails', ${lost}: … }).`,
    );
  }
  const { key, priority = 0, units = 1, debounce } = options;
  if (!Number.isSafeInteger(priority) || Math.abs(priority) >= 2 ** 31) {
    throw new InvalidArgumentError(`priority must be a whole number of 32 bits, not ${told(priority)}`);
  }
  const delays = [options.delay, options.runAt, debounce].filter((delay) => delay !== undefined);
  if (delays.length > 1) throw new InvalidArgumentError('Give only one of delay, runAt and debounce');
  return {
    item: {
      queue: checkName('queue', typeof options.queue === 'string' ? options.queue : options.queue.name),
      key: key === undefined ? '' : checkKey('key', key),
      priority,
      units: checkCount(units, 'units'),
      runAt: options.runAt === undefined ? null : checkMoment(options.runAt),
      delayMs: toMs(options.delay ?? debounce?.wait ?? 0, options.delay === undefined ? 'debounce.wait' : 'delay'),
    },
    deduplication: deduplicationOf(options),
  };
}

const policies: readonly unknown[] = ['reject', 'attach', 'latest'] satisfies DeduplicationPolicy[];

function deduplicationOf({ deduplication, debounce }: QueueingOptions): Deduplication | null {
  if (deduplication !== undefined && debounce !== undefined) {
    throw new InvalidArgumentError(
      'Give either deduplication or debounce: a debounced run stands for the others already',
    );
  }
  if (debounce !== undefined) {
    const id = checkKey('debounce.id', debounce.id);
    const putOffMaxMs = debounce.max === undefined ? Number.MAX_SAFE_INTEGER : toMs(debounce.max, 'debounce.max');
    return { id, policy: 'latest', putOffMaxMs: Math.min(putOffMaxMs, putOffLimitMs) };
  }
  if (deduplication === undefined) return null;
  const { policy = 'reject' } = deduplication;
  if (!policies.includes(policy)) {
    throw new InvalidArgumentError(`deduplication.policy must be reject, attach or latest, not ${String(policy)}`);
  }
  return { id: checkKey('deduplication.id', deduplication.id), policy, putOffMaxMs: null };
}

/** Where nothing limits it: 100 years. */
const putOffLimitMs = 100 * 365.25 * 24 * 3_600_000;

function checkMoment(runAt: Date): number {
  const at = runAt.getTime();
  if (!Number.isNaN(at)) return at;
  throw new InvalidArgumentError('runAt is not a valid Date');
}
