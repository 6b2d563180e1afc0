import { AsyncLocalStorage } from 'node:async_hooks';
import { currentRun, queue, receive, type Slot, step, workflow } from '@perdure/core';
import { describe, expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { connectClient, freshDatabase, launchEngine, testEngine } from '../support/engines.js';
import { pollIfToldNothing as poll } from '../support/lanes.js';

const requests = new AsyncLocalStorage<string>();
const users = new AsyncLocalStorage<string>();

const seen = (): string => `${requests.getStore() ?? 'no request'}, ${users.getStore() ?? 'nobody'}`;
const nothing = 'no request, nobody';

/** Calls a function as the handler of a request would. */
const inRequest = <T>(no: number, fn: () => T): T => requests.run(`request ${no}`, () => users.run(`user ${no}`, fn));

/** What a run sees in its function, in a step, and after it. */
const look = workflow('look', async () => [seen(), await step.run('look', seen), seen()]);

describe.each(databases)('the storages of an application on $name', ({ open }) => {
  it('are empty in a run that is recovered, whichever request launched the engine', async () => {
    const found: string[] = [];
    const work = workflow('work', async () => {
      await step.run('first', () => {});
      found.push(seen());
      await step.run('second', () => void found.push(seen()));
    });
    const engine = await inRequest(1, async () => testEngine(await freshDatabase(open), { workflows: [work] }));
    const crashed = engine.crashAfter(1);
    await inRequest(2, () => work.with({ workflowId: 'w', engine: engine.perdure }).start());
    await crashed;
    found.length = 0;
    await inRequest(3, async () => {
      await engine.restart();
      await engine.perdure.run('w').result();
    });
    expect(found).toEqual([nothing, nothing]);
  });

  it('are empty in what a schedule fires, whichever request launched the engine and set the schedule', async () => {
    const found: string[] = [];
    const work = workflow('work', async (_slot: Slot) => {
      found.push(seen(), await step.run('look', seen));
    });
    await inRequest(1, async () => {
      const { perdure, clock } = await testEngine(await freshDatabase(open), { workflows: [work] });
      await perdure.schedules.set('often', { timing: { every: '10m' }, workflow: work });
      clock.advance(600_000);
      await expect.poll(() => found).toEqual([nothing, nothing]);
    });
  });

  it('are empty in runs of queues and of clients, whoever started them and launched the engine', async () => {
    const test = await freshDatabase(open);
    const line = queue('storages');
    await inRequest(1, async () => {
      const perdure = await launchEngine(test, { workflows: [look], poll });
      const queued = await line.with({ engine: perdure }).enqueue(look);
      expect(await queued.result()).toEqual([nothing, nothing, nothing]);
      const client = await connectClient(test);
      expect(await client.workflow<typeof look>('look')()).toEqual([nothing, nothing, nothing]);
      expect(seen()).toBe('request 1, user 1');
    });
  });

  it('are empty when a run that was parked goes on, whichever request wakes it', async () => {
    const work = workflow('work', async () => [await receive<string>('go'), seen(), await step.run('after', seen)]);
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [work], parkAfter: '100ms', poll });
    const run = await inRequest(1, () => work.with({ engine: perdure }).start());
    await expect.poll(() => perdure.health().runs).toBe(0);
    await inRequest(2, () => perdure.send(run, 'go', 'gone'));
    expect(await run.result()).toEqual(['gone', nothing, nothing]);
  });

  it('are empty in what an engine takes that has lost its lease, whichever request noticed that', async () => {
    const test = await freshDatabase(open);
    const line = queue('storages');
    const perdure = await launchEngine(test, { workflows: [look], poll });
    const before = perdure.executorId;
    await test.administer(`delete from "${test.schema}".executors`);
    await inRequest(1, () => look.with({ engine: perdure }).start());
    expect(perdure.executorId).not.toBe(before);
    const queued = await line.with({ engine: perdure }).enqueue(look);
    expect(await queued.result()).toEqual([nothing, nothing, nothing]);
  });

  it('are the caller’s in a run that is called, in its children and in every try', async () => {
    let tries = 0;
    const parent = workflow(
      'parent',
      async () => {
        const own = await step.run(
          'flaky step',
          () => {
            if (currentRun()?.step?.attempt === 1) throw new Error('again');
            return seen();
          },
          { retries: 1, backoff: { initial: 1 } },
        );
        tries += 1;
        if (tries === 1) throw new Error('all again');
        return [own, seen(), ...(await look())];
      },
      { retries: 1, backoff: { initial: 1 } },
    );
    const options = { workflows: [parent, look] };
    const test = await freshDatabase(open);
    const perdure = await inRequest(1, () => launchEngine(test, options));
    const all = await inRequest(2, () => parent.with({ engine: perdure })());
    expect(new Set(all)).toEqual(new Set(['request 2, user 2']));
  });

  it('are in the body of a step what they are where it is called, however many are called at once and also in a replay', async () => {
    const work = workflow('work', async () => {
      const names = ['first', 'second', 'third'];
      const looks = (which: string) =>
        Promise.all(names.map((name) => users.run(name, () => step.run(`${which} ${name}`, seen))));
      return [await looks('before'), await looks('after')];
    });
    const engine = await testEngine(await freshDatabase(open), { workflows: [work] });
    const expected = ['no request, first', 'no request, second', 'no request, third'];
    expect(await work.with({ engine: engine.perdure })()).toEqual([expected, expected]);
    for (const checkpoints of [1, 2, 3, 4, 5]) {
      const workflowId = `after ${checkpoints}`;
      const crashed = engine.crashAfter(checkpoints);
      await work.with({ workflowId, engine: engine.perdure }).start();
      await crashed;
      await engine.restart();
      expect(await engine.perdure.run(workflowId).result()).toEqual([expected, expected]);
    }
  });
});
