import { readStream, step, stream, type StreamWriter } from '@perdure/core';
import type { Ending } from '../jobs.js';
import { type CrashScenario, crashScenario } from './crash-scenario.js';
import type { Instruments, Stage } from './stage.js';

/** Streams that a workflow and its steps write, read to their end. */
export function streams({ noted, define }: Instruments): CrashScenario[] {
  const writing = define('writing', async () => {
    const log = stream<string>('log');
    await log.append('one');
    await step.run('two', () => noted(() => log.append('two', 'three')));
    await log.append('four');
    await log.close();
  });

  // The first try of each process takes back what it has written to two streams, while another step writes in between.
  const tryingAgain = (name: string, write: (log: StreamWriter<string>, value: string) => Promise<void>) =>
    define(name, async () => {
      const [log, other] = [stream<string>('log'), stream<string>('other')];
      let tries = 0;
      const twice = async (): Promise<void> => {
        tries += 1;
        await write(log, 'a 1');
        await write(other, 'other');
        await write(log, 'a 2');
        if (tries === 1) throw new Error('again');
      };
      const retries = { retries: Infinity, backoff: { initial: 1, max: 1 } };
      await Promise.all([
        step.run('twice', () => noted(twice), retries),
        step.run('once', () => noted(() => write(log, 'b'))),
      ]);
    });
  const trying = tryingAgain('trying', (log, value) => log.append(value));
  // While the reply to a flush is lost, time stands still for a step that waits for it.
  const hurrying = tryingAgain('hurrying', async (log, value) => void log.append(value));

  return [
    crashScenario({
      name: 'a stream',
      workflows: () => [writing],
      expected: { value: ['one', 'two', 'three', 'four'] },
      itemsPerFlush: 1,
      async play(stage) {
        await stage.start(writing);
        const ending = await stage.ending();
        return 'code' in ending ? ending : { value: await readAll(stage, 'log') };
      },
    }),
    crashScenario({
      name: 'streams of steps that are tried again',
      workflows: () => [trying],
      expected: { value: ['a 1', 'a 2', 'b', 'other'] },
      itemsPerFlush: 1,
      async play(stage) {
        await stage.start(trying);
        return await both(stage);
      },
    }),
    crashScenario({
      name: 'streams of steps that are tried again, without the replies to what is written',
      workflows: () => [hurrying],
      expected: { value: ['a 1', 'a 2', 'b', 'other'] },
      isReplyLost: (name) => name.startsWith('flush_new'),
      async play(stage) {
        await stage.start(hurrying);
        return await both(stage);
      },
    }),
  ];
}

async function both(stage: Stage): Promise<Ending> {
  const ending = await stage.ending();
  if ('code' in ending) return ending;
  return { value: [...(await readAll(stage, 'log')).toSorted(), ...(await readAll(stage, 'other'))] };
}

async function readAll(stage: Stage, name: string): Promise<string[]> {
  const values: string[] = [];
  for await (const item of readStream<string>(stage.id, name, { engine: stage.perdure })) {
    if (item.kind === 'value') values.push(item.value);
  }
  return values;
}
