import { currentRun, sleep, step } from '@perdure/core';
import { type CrashScenario, crashScenario } from './crash-scenario.js';
import type { Instruments } from './stage.js';

/** Runs that are cancelled, that take too long, and that fail and start afresh. */
export function interruptions({ noted, define, caught }: Instruments): CrashScenario[] {
  const act = step('act', (what: string) => noted(() => what));
  const waitUntilAborted = (): Promise<void> => step.run('wait', () => noted(untilAborted));

  const cancelled = define('cancelled', async () => {
    await act('reserve');
    await waitUntilAborted();
    await act('never');
  });

  const lingering = define('lingering', async () => step.run('linger', () => noted(untilAborted)));

  const family = define('cancelled, with a child', async () => {
    await lingering.with({ workflowId: `${currentRun()!.workflowId}.child` }).start();
    await waitUntilAborted();
  });

  const compensated = define(
    'compensated',
    async () => {
      await act('reserve');
      try {
        await waitUntilAborted();
      } catch (error) {
        caught(error);
        await step.run('release', () => noted(() => {}));
        await sleep('1h');
        await act('notify');
        throw error;
      }
    },
    { onCancel: 'throw' },
  );

  const overdue = define(
    'overdue',
    async () => {
      await act('reserve');
      await sleep('2h');
      await act('never');
    },
    { timeout: '1h' },
  );

  const overdueCompensated = define(
    'overdue, compensated',
    async () => {
      await act('reserve');
      try {
        await sleep('2d');
      } catch (error) {
        caught(error);
        await step.run('release', () => noted(() => {}));
        throw error;
      }
    },
    { timeout: '1d', onCancel: 'throw' },
  );

  /** Succeeds at the third try, which a step tells by its key. */
  const retried = define(
    'retried',
    async () => {
      const key = await step.run('key', () => noted(() => currentRun()?.idempotencyKey ?? ''));
      await act('something');
      if (!key.includes(':r2:')) throw new RangeError('not yet');
      return key.replace(/^.*:r/, '');
    },
    { retries: 2, backoff: { initial: '10s' } },
  );

  const cancelling = {
    expected: { code: 'PERDURE_CANCELLED' },
    itemsPerFlush: 1,
    async play(stage) {
      const [workflow] = this.workflows(stage.role);
      const outside = await stage.launch([]);
      await stage.start(workflow!);
      const ending = stage.ending();
      // An earlier process may have cancelled it already.
      await Promise.race([stage.begun('wait'), ending]);
      await stage.once('cancel', () => outside.run(stage.id).cancel());
      return await ending;
    },
  } satisfies Partial<CrashScenario> & ThisType<CrashScenario>;

  return [
    crashScenario({ ...cancelling, name: 'cancelled from outside', workflows: () => [cancelled] }),
    crashScenario({
      ...cancelling,
      name: 'cancelled with a child in the background',
      workflows: () => [family, lingering],
      async play(stage) {
        const ending = await cancelling.play.call(this, stage);
        const child = stage.perdure.run(`${stage.id}.child`);
        if (ending !== null) await child.result().catch((error: unknown) => caught(error));
        return ending;
      },
      mayCatch: ['PERDURE_CANCELLED'],
    }),
    crashScenario({
      ...cancelling,
      name: 'cancelled and compensated',
      workflows: () => [compensated],
      mayCatch: ['PERDURE_CANCELLED'],
      mustBegin: ['release'],
    }),
    crashScenario({
      name: 'takes too long',
      workflows: () => [overdue],
      expected: { code: 'PERDURE_WORKFLOW_TIMEOUT' },
    }),
    crashScenario({
      name: 'takes too long and is compensated',
      workflows: () => [overdueCompensated],
      expected: { code: 'PERDURE_WORKFLOW_TIMEOUT' },
      mayCatch: ['PERDURE_WORKFLOW_TIMEOUT'],
      mustBegin: ['release'],
      itemsPerFlush: 1,
    }),
    crashScenario({
      name: 'fails and starts afresh',
      workflows: () => [retried],
      expected: { value: '2:0' },
      mayCatch: ['RangeError'],
    }),
  ];
}

async function untilAborted(): Promise<void> {
  const signal = currentRun()?.signal;
  await new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }));
}
