import { log, receive, sleep, step, workflow } from '@perdure/core';
import { describe, expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { freshDatabase, launchEngine, testEngine } from '../support/engines.js';

/** A logger that remembers what runs say, and the messages. */
function listening() {
  const said: string[] = [];
  const hear = (fields: Record<string, unknown>, message: string) =>
    void (fields['run_id'] !== undefined && said.push(message));
  return { said, logger: { debug: hear, info: hear, warn: hear, error: hear } };
}

const [{ open }] = databases as [(typeof databases)[number]];

describe('a line that a workflow logs', () => {
  it.each([
    ['in the middle, which repeats what came after the last thing recorded', 2, ['after 2']],
    ['while it sleeps, which repeats nothing', 5, []],
  ])('is not written again by a replay after a crash %s', async (_, checkpoints, repeated) => {
    const { said, logger } = listening();
    const chain = workflow('chain', async () => {
      log.info('begun');
      for (const n of [1, 2, 3]) {
        await step.run(`step ${n}`, () => log.info(`in ${n}`));
        log.info(`after ${n}`);
      }
      await Promise.all(
        ['a', 'b'].map(async (name) => {
          await sleep('1m');
          log.info(`slept ${name}`);
        }),
      );
      log.info('ended');
    });
    const engine = await testEngine(await freshDatabase(open), { workflows: [chain], logger });
    const crashed = engine.crashAfter(checkpoints);
    await chain.with({ workflowId: 'c', engine: engine.perdure }).start();
    await crashed;
    const before = said.length;
    await engine.restart();
    await engine.perdure.run('c').result();
    const once = ['begun', 'in 1', 'after 1', 'in 2', 'after 2', 'in 3', 'after 3', 'slept a', 'slept b', 'ended'];
    expect(said).toEqual([...once.slice(0, before), ...repeated, ...once.slice(before)]);
  });

  it('is not written again when the run comes back to memory', async () => {
    const { said, logger } = listening();
    const approve = workflow('approve', async () => {
      log.info('asking');
      const answer = await receive<string>('answer');
      log.info(`heard ${answer}`);
      await sleep('400ms');
      log.info('slept');
    });
    const options = { workflows: [approve], parkAfter: '100ms', logger } as const;
    const perdure = await launchEngine(await freshDatabase(open), options);
    const run = await approve.with({ engine: perdure }).start();
    await expect.poll(() => perdure.health().runs).toBe(0);
    await perdure.send(run, 'answer', 'yes');
    await run.result();
    expect(said).toEqual(['asking', 'heard yes', 'slept']);
  });

  it('is written again where the whole workflow is tried again', async () => {
    const { said, logger } = listening();
    let tries = 0;
    const flaky = workflow(
      'flaky',
      async () => {
        log.info(`try ${++tries}`);
        await step.run('one', () => 1);
        log.info('after one');
        if (tries === 1) throw new Error('once');
      },
      { retries: 1, backoff: { initial: 1 } },
    );
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [flaky], logger });
    await flaky.with({ engine: perdure })();
    expect(said).toEqual(['try 1', 'after one', 'try 2', 'after one']);
  });
});
