import { isDeepStrictEqual } from 'node:util';
import type { Codec } from '../codec/codec.js';
import { InvalidArgumentError, WorkflowConflictError } from '../errors/errors.js';
import type { Clock, EpochMs } from '../seams/clock.js';
import type { Random } from '../seams/random.js';
import { toMs } from '../util/duration.js';
import { validateInput } from '../workflow/input-schema.js';
import { checkWorkflowId } from '../workflow/names.js';
import type { StartRequest } from '../workflow/run-starter.js';
import type { StartingRun } from './executor.js';

/** Checks a start at the edge and turns it into the run to be stored. */
export async function prepareStart(
  { definition, args, options, parent }: StartRequest,
  { codec, clock, random }: { readonly codec: Codec; readonly clock: Clock; readonly random: Random },
): Promise<StartingRun> {
  const workflowId = options.workflowId === undefined ? random.uuid() : checkWorkflowId(options.workflowId);
  const input =
    definition.inputSchema === undefined
      ? args
      : [await validateInput(definition.inputSchema, args[0], definition.name), ...args.slice(1)];
  const createdAt = clock.now();
  const detached = options.detached ?? false;
  return {
    workflowId,
    name: definition.name,
    version: definition.version,
    input: codec.encode(input),
    parentId: parent?.workflowId ?? null,
    detached,
    seed: random.uuid(),
    createdAt,
    deadlineAt: earliest(
      options.timeout === undefined ? null : createdAt + toMs(options.timeout, 'timeout'),
      options.timeout === undefined && definition.timeoutMs !== null ? createdAt + definition.timeoutMs : null,
      options.deadline === undefined ? null : checkDeadline(options.deadline),
      detached ? null : (parent?.deadlineAt ?? null),
    ),
  };
}

/**
 * A start that found its workflow id taken is the same run if the workflow and the input are the same.
 *
 * @throws {WorkflowConflictError} if they are not
 */
export function checkSameRun(
  existing: { readonly name: string; readonly input: string | null },
  starting: StartingRun,
  codec: Codec,
): void {
  if (existing.name !== starting.name) {
    throw new WorkflowConflictError(starting.workflowId, {
      reason: 'workflow',
      existing: existing.name,
      given: starting.name,
    });
  }
  if (existing.input === starting.input) return;
  if (!isDeepStrictEqual(codec.decode(existing.input), codec.decode(starting.input))) {
    throw new WorkflowConflictError(starting.workflowId, { reason: 'input' });
  }
}

function checkDeadline(deadline: Date): EpochMs {
  const at = deadline.getTime();
  if (Number.isNaN(at)) throw new InvalidArgumentError('deadline is not a valid Date');
  return at;
}

function earliest(...deadlines: readonly (EpochMs | null)[]): EpochMs | null {
  const set = deadlines.filter((deadline) => deadline !== null);
  return set.length === 0 ? null : Math.min(...set);
}
