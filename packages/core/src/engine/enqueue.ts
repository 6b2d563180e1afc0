import { classify } from '../database/database-errors.js';
import type { Queryable } from '../database/database.js';
import type { Codec } from '../codec/codec.js';
import { InvariantError } from '../errors/errors.js';
import { DuplicateItemError } from '../errors/queue-errors.js';
import type { Clock } from '../seams/clock.js';
import type { QueuedRun } from '../store/queue-items.js';
import type { Store } from '../store/store.js';
import type { Deduplication } from './queueing.js';
import type { Started } from '../workflow/run-starter.js';
import { foundRun } from './starts.js';

export interface EnqueueServices {
  readonly store: Store;
  readonly clock: Clock;
  readonly codec: Codec;
}

/**
 * Enqueues a run apart from any engine's log: in a caller's transaction, or where another run may stand for it. May be
 * repeated.
 *
 * @throws {WorkflowConflictError} if its workflow id is that of another run
 * @throws {DuplicateItemError} if another run has the deduplication id, and the policy is to reject
 */
export async function enqueueIn(
  tx: Queryable,
  run: QueuedRun,
  deduplication: Deduplication | null,
  services: EnqueueServices,
): Promise<Started> {
  const { store, clock } = services;
  if (deduplication !== null) return await enqueueUnique(tx, run, deduplication, services);
  const inserted = await store.queues.enqueue(tx, [run], clock.sqlNow());
  return inserted.has(run.seed) ? made(run) : await existingRun(tx, run, services);
}

const made = ({ workflowId }: QueuedRun): Started => ({ workflowId, isNew: true });

/** Between two looks at who has the id, that run may end, or begin; so often in a row it doesn't. */
const triesMax = 20;

async function enqueueUnique(
  tx: Queryable,
  run: QueuedRun,
  { id, policy, putOffMaxMs }: Deduplication,
  services: EnqueueServices,
): Promise<Started> {
  const { queues, runs } = services.store;
  const freesWhenTaken = policy === 'latest';
  const item = { run, deduplicationId: id, freesWhenTaken, putOffMaxMs, now: services.clock.sqlNow() };
  // A run that is there already is this one, sent twice or started twice, whoever has the deduplication id by now.
  if ((await runs.findIn(tx, run.workflowId)) !== null) return await existingRun(tx, run, services);
  for (let tries = 0; tries < triesMax; tries += 1) {
    try {
      if (await queues.enqueueUnique(tx, item)) return made(run);
    } catch (error) {
      if (classify(error) !== 'unique-violation') throw error;
      return await existingRun(tx, run, services);
    }
    if (policy === 'latest') {
      const replaced = await queues.replaceHolder(tx, item);
      if (replaced !== null) return { workflowId: replaced, isNew: false };
    }
    const holder = await queues.findHolder(tx, run.queue, id);
    if (holder === null) continue;
    if (policy === 'attach') return { workflowId: holder, isNew: false };
    const isOther = policy === 'reject' || (await runs.findIn(tx, holder))?.name !== run.name;
    if (isOther) throw new DuplicateItemError(run.queue, id, holder);
  }
  throw new InvariantError(`the deduplication id of run "${run.workflowId}" changed hands ${triesMax} times in a row`);
}

async function existingRun(tx: Queryable, run: QueuedRun, { store, codec }: EnqueueServices): Promise<Started> {
  return foundRun(await store.runs.findIn(tx, run.workflowId), run, codec);
}
