import { randomUUID } from 'node:crypto';
import { EngineStoppedError, type Perdure, type RunHandle } from '@perdure/core';
import { TestEngine, type TestEngineOptions } from './test-engine.js';

/** A workflow, as far as {@link replayCheck} needs one. */
interface Replayable<Args extends readonly unknown[], Result> {
  with(options: { readonly workflowId: string; readonly engine: Perdure }): {
    start(...args: Args): Promise<RunHandle<Result>>;
  };
}

type Ending<Result> = { readonly value: Result } | { readonly error: unknown } | 'crashed';

/**
 * Runs a workflow and stops the engine dead after every single checkpoint, so that the function is replayed from each
 * point that it can be recovered from. Resolves with the result, or rejects with the workflow's own error, or with that of a
 * start that was refused.
 *
 * @throws {Error} if a replay left the recorded history: the message names the call, what was recorded, and the causes
 *
 * @example
 * it('replays from every checkpoint', async () => {
 *   expect(await replayCheck(checkout, [order])).toEqual(receipt);
 * });
 */
export async function replayCheck<Args extends readonly unknown[], Result>(
  workflow: Replayable<Args, Result>,
  args: Args,
  options: TestEngineOptions = {},
): Promise<Result> {
  const test = await TestEngine.create(options);
  // In a database that is shared, an id of its own keeps it from finding the run of an earlier check.
  const workflowId = `replay-check-${randomUUID()}`;
  try {
    let crashed = test.crashAfter(1);
    const started = workflow.with({ workflowId, engine: test.perdure }).start(...args);
    const refused = refusalOf<Result>(started);
    for (;;) {
      const ending = await watch(test.perdure.run<Result>(workflowId), crashed, refused);
      if (ending === 'crashed') {
        await test.restart();
        crashed = test.crashAfter(1);
      } else if ('error' in ending) {
        throw ending.error;
      } else {
        return ending.value;
      }
    }
  } finally {
    await test.close();
  }
}

/** Resolves if the run was never started. Where the engine crashed under the start, the next one shows whether it was. */
async function refusalOf<Result>(started: Promise<unknown>): Promise<Ending<Result>> {
  try {
    await started;
  } catch (error) {
    if (!(error instanceof EngineStoppedError)) return { error };
  }
  return await new Promise<never>(() => {});
}

/** Waits until the run was refused, has ended, has left its history, or the engine has crashed. */
async function watch<Result>(
  run: RunHandle<Result>,
  crashed: Promise<void>,
  refused: Promise<Ending<Result>>,
): Promise<Ending<Result>> {
  let isOver = false;
  const ended = async (): Promise<Ending<Result>> => {
    while (!isOver) {
      const info = await run.status().catch(() => null); // null: the start is not durable yet
      if (info?.status === 'blocked') return { error: new Error(info.blockedReason ?? 'The run is blocked.') };
      if (info !== null && info.finishedAt !== null) return await resultOf(run);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    return 'crashed';
  };
  try {
    return await Promise.race([refused, ended(), crashed.then((): Ending<Result> => 'crashed')]);
  } finally {
    isOver = true;
  }
}

async function resultOf<Result>(run: RunHandle<Result>): Promise<Ending<Result>> {
  try {
    return { value: await run.result() };
  } catch (error) {
    return { error };
  }
}
