import { getEvent, receive, send, setEvent, sleep, step } from '@perdure/core';
import { type CrashScenario, crashScenario } from './crash-scenario.js';
import type { Instruments, Stage } from './stage.js';

/** Runs that leave memory while they wait. */
export function parking({ noted, define }: Instruments): CrashScenario[] {
  const waiting = define('waiting for long', async () => {
    const before = await step.run('before', () => noted(() => 'before'));
    await sleep('10s');
    const news = await receive<string>('news');
    return [before, news, await step.run('after', () => noted(() => 'after'))];
  });
  const awaiting = define('awaiting for long', async () => await waiting());

  const publishing = define('publishing', async () => {
    const news = await receive<string>('news');
    await setEvent('latest', await step.run('publish', () => noted(() => news)));
  });
  const following = define('following', async () => {
    const latest = await getEvent<string>(await publishing.start(), 'latest');
    return await step.run('follow', () => noted(() => latest));
  });

  const untilParked = async (stage: Stage, workflowId: string): Promise<void> => {
    const run = stage.perdure.run(workflowId);
    const isParked = async (): Promise<boolean> => {
      const info = await run.status().catch(() => null);
      // What an earlier process did before it died may have ended the run.
      return info !== null && (info.finishedAt !== null || (info.status === 'running' && info.executorId === null));
    };
    while (!(await isParked())) await new Promise((resolve) => setTimeout(resolve, 2));
  };
  const parked = (name: string, losesReplies: boolean) =>
    crashScenario({
      name,
      workflows: () => [awaiting, waiting],
      expected: { value: ['before', 'soon', 'after'] },
      isReplyLost: (statement) => losesReplies && statement.startsWith('flush_new'),
      parkAfter: '1s',
      async play(stage) {
        await stage.start(awaiting);
        await stage.once('send', async () => {
          await untilParked(stage, stage.id);
          const options = { idempotencyKey: 'soon', engine: stage.perdure };
          await send(`${stage.id}.0`, 'news', 'soon', options);
        });
        return await stage.ending();
      },
    });
  return [
    parked('parked until a message comes, with a parent that is parked too', false),
    parked('parked with its parent, without the replies to what is written', true),
    crashScenario({
      name: 'parked until another run sets an event',
      workflows: () => [following, publishing],
      expected: { value: 'soon' },
      parkAfter: '1s',
      async play(stage) {
        await stage.start(following);
        await stage.once('send', async () => {
          await untilParked(stage, stage.id);
          await send(`${stage.id}.0`, 'news', 'soon', { idempotencyKey: 'soon', engine: stage.perdure });
        });
        return await stage.ending();
      },
    }),
    crashScenario({
      name: 'cancelled while it is parked',
      workflows: () => [waiting],
      expected: { code: 'PERDURE_CANCELLED' },
      parkAfter: '1s',
      async play(stage) {
        await stage.start(waiting);
        await stage.once('cancel', async () => {
          await untilParked(stage, stage.id);
          await stage.perdure.run(stage.id).cancel();
        });
        return await stage.ending();
      },
    }),
  ];
}
