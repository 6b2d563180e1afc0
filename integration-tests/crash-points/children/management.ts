import { currentRun, queue, receive, type RunArchive, setEvent, step, stream } from '@perdure/core';
import { type CrashScenario, crashScenario } from './crash-scenario.js';
import type { Instruments, Stage } from './stage.js';

/** Runs that are found, changed, copied and deleted from outside. */
export function management({ noted, define }: Instruments): CrashScenario[] {
  const add = step('add', (a: number, b: number) => noted(() => a + b));
  const asking = define('asking for more', async () => {
    const sum = await add(1, 2);
    await setEvent('sum', sum);
    await stream<number>('log').append(sum);
    return await add(sum, await receive<number>('more'));
  });
  const kept = define('kept for a while', async () => await add(1, 1));
  const waiting = define('waiting in line', async () => await add(2, 3));
  const mended = define('mended from outside', async () => {
    const key = await step.run('look', () => noted(() => currentRun()!.idempotencyKey));
    if (!key.includes(':r')) throw new RangeError('it has not been restarted yet');
    return await add(3, 4);
  });
  const line = queue('line of management', { maxWait: '7d' });

  const stopAndGo = async (stage: Stage) => {
    const { runs } = stage.perdure;
    await stage.start(asking);
    await stage.once('cancel', () => runs.cancel(stage.id));
    await stage.once('cancelled', () => stage.ending());
    await stage.once('resume', () => runs.resume(stage.id));
    await stage.once('send', () => stage.perdure.send(stage.id, 'more', 3, { idempotencyKey: 'only' }));
    return await stage.ending();
  };
  const afresh = async (stage: Stage) => {
    const { runs } = stage.perdure;
    const other = `${stage.id}.queued`;
    await stage.start(mended);
    await stage.once('enqueue', () =>
      line.with({ engine: stage.perdure, workflowId: other, key: 'k' }).enqueue(mended),
    );
    await stage.once('fail', () => Promise.all([stage.ending(), stage.ending(other)]));
    await stage.once('restart', () => runs.restart([stage.id, other]));
    return { value: [await stage.ending(), await stage.ending(other)] };
  };
  const isReplyLost = (name: string, nth: number): boolean =>
    name.startsWith('flush_new') || (name.startsWith('run_changes') && nth === 1);
  const restarted = {
    workflows: () => [mended],
    expected: { value: [{ value: 7 }, { value: 7 }] },
    mayCatch: ['RangeError'],
    play: afresh,
  };

  return [
    crashScenario({
      name: 'cancelled, and resumed',
      workflows: () => [asking],
      expected: { value: 6 },
      play: stopAndGo,
    }),
    crashScenario({
      name: 'cancelled, and resumed, without the replies to what is written',
      workflows: () => [asking],
      expected: { value: 6 },
      isReplyLost,
      play: stopAndGo,
    }),
    crashScenario({ ...restarted, name: 'failed, and restarted' }),
    crashScenario({ ...restarted, name: 'failed, and restarted, without the replies to what is written', isReplyLost }),
    crashScenario({
      name: 'put off in line, put before others, and looked at',
      workflows: () => [waiting],
      expected: { value: 5 },
      async play(stage) {
        const { runs } = stage.perdure;
        const bound = line.with({ engine: stage.perdure, workflowId: stage.id, delay: '30d' });
        await stage.once('enqueue', () => bound.enqueue(waiting));
        await stage.once('priority', () => runs.setPriority(stage.id, -1));
        await stage.once('attributes', () => runs.setAttributes(stage.id, { seen: true }));
        const { runs: found } = await runs.list({ id: stage.id, attributes: { seen: true } });
        await runs.count({ id: stage.id }, { by: ['status'] });
        await runs.explain(stage.id);
        if (found.length !== 1) return { code: 'not found' };
        await stage.once('delay', () => runs.setDelay(stage.id, 0));
        return await stage.ending();
      },
    }),
    crashScenario({
      name: 'forked, taken along, and deleted',
      workflows: () => [asking, kept],
      expected: { value: [{ value: 6 }, { value: 7 }, { value: 6 }] },
      async play(stage) {
        const { runs } = stage.perdure;
        const [fork, copy, gone] = ['fork', 'copy', 'gone'].map((suffix) => `${stage.id}.${suffix}`) as [
          string,
          string,
          string,
        ];
        await stage.start(asking);
        await stage.once('fork', async () => {
          await stage.perdure.getEvent(stage.id, 'sum');
          await runs.fork(stage.id, { workflowId: fork, from: 2 });
        });
        await stage.once('send', () => stage.perdure.send(stage.id, 'more', 3, { idempotencyKey: 'only' }));
        await stage.once('send to the fork', () => stage.perdure.send(fork, 'more', 4, { idempotencyKey: 'its' }));
        const ending = await stage.ending();
        await stage.once('copy', async () => {
          const archive = JSON.stringify(await runs.export(stage.id, { children: false }));
          await runs.import(
            JSON.parse(archive.replaceAll(JSON.stringify(stage.id), JSON.stringify(copy))) as RunArchive,
          );
        });
        for (const way of ['delete', 'prune']) {
          await stage.start(kept, `${gone} ${way}`);
          await stage.once(`end ${way}`, () => stage.ending(`${gone} ${way}`));
        }
        await stage.once('delete', () => runs.delete(`${gone} delete`));
        await stage.once('prune', () => runs.prune([{ workflow: 'kept for a while', keep: 0 }]));
        return { value: [ending, await stage.ending(fork), await stage.ending(copy)] };
      },
    }),
  ];
}
