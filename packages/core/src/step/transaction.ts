import { classify } from '../database/database-errors.js';
import type { IsolationLevel, TransactionClient } from '../database/database.js';
import { TransactionConflictError, TransactionInDoubtError } from '../database/transaction-errors.js';
import { InvalidArgumentError } from '../errors/errors.js';
import type { WorkflowContext } from '../workflow/context.js';
import type { OpenCall } from '../workflow/durable-call.js';
import type { Committed, DataSource } from './data-source.js';
import type { StepBody, StepTry } from './run-step.js';

/** What a transactional step does. */
export interface TransactionFunctions {
  /** Called before the transaction begins, in each try; null = nothing. */
  readonly prepare: (() => unknown) | null;
  readonly fn: (tx: TransactionClient, prepared: unknown) => unknown;
}

/** How often a conflict with another transaction is answered by trying again; from then on it is the step's failure. */
const conflictsMax = 10;

/**
 * A step whose data and checkpoint are one commit, and which therefore takes effect exactly once:
 *
 * - The checkpoint is the last statement of the transaction and passes the executor's fence, so nothing that a revoked
 *   executor did can commit.
 * - Its key is unique. Where a COMMIT's reply was lost, the key tells whether it had committed: the next try either finds
 *   the checkpoint or does it all again.
 * - The result is delivered to the workflow like any other, and recorded in the history a second time then. A process that
 *   dies in between leaves the checkpoint, which the replay takes for the result.
 */
export function transactionBody(
  { prepare, fn }: TransactionFunctions,
  isolationLevel: IsolationLevel,
  dataSource: DataSource,
): StepBody {
  let isInDoubt = false;
  let conflicts = 0;
  let losses = 0;
  return async (stepTry) => {
    const { context, call } = stepTry;
    try {
      const committed = isInDoubt ? await dataSource.findCommitted(keyOf(context, call)) : null;
      if (committed !== null) return committed;
      const prepared = prepare === null ? undefined : await stepTry.enter(prepare);
      return await commitOnce((tx) => fn(tx, prepared), isolationLevel, dataSource, stepTry);
    } catch (error) {
      if (error instanceof RevokedError) {
        context.seams.metrics.fenced(1);
        return 'stopped';
      }
      if (error instanceof TransactionConflictError) {
        conflicts += 1;
        if (conflicts > conflictsMax) throw error.cause;
        return { againInMs: context.seams.random.float() * Math.min(1_000, 10 * 2 ** conflicts) };
      }
      if (error instanceof TransactionInDoubtError) {
        isInDoubt = true;
        losses += 1;
        return { againInMs: Math.min(2_000, 25 * 2 ** Math.min(losses, 10)) };
      }
      throw error;
    }
  };
}

async function commitOnce(
  fn: (tx: TransactionClient) => unknown,
  isolationLevel: IsolationLevel,
  dataSource: DataSource,
  { context, call, enter }: StepTry,
): Promise<Committed> {
  const { clock, codec } = context.seams;
  const startedAt = clock.now();
  return await dataSource.transaction(isolationLevel, async ({ client, record }) => {
    const payload = codec.encode(await enter(() => fn(client), client));
    const { attempt } = context;
    const key = keyOf(context, call);
    const checkpoint = { ...key, name: call.name, payload, startedAt, finishedAt: clock.now(), attempt };
    const verdict = await record(checkpoint).catch((error: unknown) => {
      // An earlier try had committed after all.
      throw classify(error) === 'unique-violation' ? new TransactionInDoubtError(error) : error;
    });
    if (verdict === 'ended') {
      throw new InvalidArgumentError(
        `The body of the transactional step "${call.name}" ended its transaction itself. Leave COMMIT and ROLLBACK to the step.`,
      );
    }
    if (verdict === 'revoked') throw new RevokedError();
    return { payload };
  });
}

/** Rolls the transaction back: the run goes on elsewhere. */
class RevokedError extends Error {}

function keyOf({ workflowId }: WorkflowContext, { retries, seq }: OpenCall) {
  return { workflowId, retries, seq };
}
