import { type Perdure, queue, receive, sleep, step, workflow } from '@perdure/core';
import { describe, expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { freshDatabase, launchEngine, patient } from '../support/engines.js';
import { pollIfToldNothing as poll } from '../support/lanes.js';

const parkAfter = '100ms';

/** Waits until an engine has no run in memory. */
async function untilParked(perdure: Perdure): Promise<void> {
  await expect.poll(() => perdure.health().runs, patient).toBe(0);
}

describe.each(databases)('a run that waits for long on $name', ({ open }) => {
  it('leaves memory, wakes in time, and repeats nothing', async () => {
    let steps = 0;
    const remind = workflow('remind', async () => {
      await step.run('before', () => (steps += 1));
      await sleep('1500ms');
      return await step.run('after', () => (steps += 10));
    });
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [remind], parkAfter, poll: '1h' });
    const run = await remind.with({ engine: perdure }).start();
    await untilParked(perdure);
    expect(await run.status()).toMatchObject({ status: 'running', executorId: null, attempt: 1, crashes: [] });
    expect(await run.result()).toBe(11);
    expect(await run.status()).toMatchObject({ status: 'completed', attempt: 1 });
  });

  it('is woken by the message that it waits for, and not by another', async () => {
    const approve = workflow('approve', async () => await receive<string>('approval'));
    const test = await freshDatabase(open);
    const perdure = await launchEngine(test, { workflows: [approve], parkAfter, poll });
    const run = await approve.with({ engine: perdure }).start();
    await untilParked(perdure);
    await perdure.send(run, 'remark', 'hm');
    expect(await run.status()).toMatchObject({ status: 'running', executorId: null });
    const elsewhere = await launchEngine(test, { workflows: [], database: await test.reopen() });
    await elsewhere.send(run, 'approval', 'yes');
    expect(await run.result()).toBe('yes');
  });

  it('is woken when the time for a message is over', async () => {
    const approve = workflow('approve', async () => await receive('approval', { timeout: '700ms' }));
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [approve], parkAfter, poll: '1h' });
    const run = await approve.with({ engine: perdure }).start();
    await untilParked(perdure);
    await expect(run.result()).rejects.toMatchObject({ code: 'PERDURE_RECEIVE_TIMEOUT' });
  });

  it('is woken by its child, however that ends', async () => {
    const child = workflow('child', async (ending: string) => {
      await receive('go');
      if (ending === 'fail') throw new Error('failed');
      return ending;
    });
    const parent = workflow('parent', async (id: string, ending: string) => {
      return await child
        .with({ workflowId: id })(ending)
        .catch((error: Error) => error.message);
    });
    const test = await freshDatabase(open);
    const perdure = await launchEngine(test, { workflows: [parent, child], parkAfter, poll });
    const endings = ['return', 'fail', 'cancel'];
    const runs = await Promise.all(
      endings.map((ending) => parent.with({ engine: perdure }).start(`child-${ending}`, ending)),
    );
    await untilParked(perdure);
    await perdure.send('child-return', 'go', null);
    await perdure.send('child-fail', 'go', null);
    await perdure.run('child-cancel').cancel();
    const results = await Promise.all(runs.map((run) => run.result()));
    expect(results).toEqual(['return', 'failed', expect.stringContaining('cancelled')]);
  });

  it('is woken by a child that waited too long in its queue', async () => {
    const hold = workflow('hold', async () => await receive('go'));
    const parent = workflow('parent', async () => {
      return await hold
        .with({ queue: 'narrow' })()
        .catch((error: { code: string }) => error.code);
    });
    queue('narrow', { concurrency: 1, maxWait: '1s' });
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [parent, hold], parkAfter, poll });
    const holder = await hold.with({ engine: perdure, queue: 'narrow' }).start();
    await expect.poll(async () => (await holder.status()).status, patient).toBe('running');
    const run = await parent.with({ engine: perdure }).start();
    await expect.poll(async () => (await run.status()).executorId, patient).toBe(null);
    expect(await run.result()).toBe('PERDURE_QUEUE_TIMEOUT');
    expect(await holder.status()).toMatchObject({ status: 'running', executorId: perdure.executorId });
  });

  it('compensates when it is cancelled, and ends at its deadline', async () => {
    const undone: string[] = [];
    const book = workflow(
      'book',
      async (name: string) => {
        try {
          await sleep('1h');
        } finally {
          await step.run('undo', () => undone.push(name));
        }
      },
      { onCancel: 'throw' },
    );
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [book], parkAfter, poll });
    const bound = book.with({ engine: perdure });
    const [cancelled, late] = [await bound.start('a'), await bound.with({ timeout: '1s' }).start('b')];
    await untilParked(perdure);
    await cancelled.cancel();
    await expect(cancelled.result()).rejects.toMatchObject({ code: 'PERDURE_CANCELLED' });
    await expect(late.result()).rejects.toMatchObject({ code: 'PERDURE_WORKFLOW_TIMEOUT' });
    expect(undone.toSorted()).toEqual(['a', 'b']);
  });

  it('goes on in whichever process is there then', async () => {
    const approve = workflow('approve', async () => [await step.run('ask', () => 'asked'), await receive('approval')]);
    const test = await freshDatabase(open);
    const first = await launchEngine(test, { workflows: [approve], parkAfter });
    const run = await approve.with({ engine: first }).start();
    await untilParked(first);
    await first.shutdown();
    const second = await launchEngine(test, { workflows: [approve], database: await test.reopen(), poll });
    expect(second.health().runs).toBe(0);
    await second.send(run.workflowId, 'approval', 'yes');
    expect(await second.run(run.workflowId).result()).toEqual(['asked', 'yes']);
  });

  it('is never left asleep, whatever comes at the moment of parking', async () => {
    const waitFor = workflow('wait for', async () => await receive<number>('go'));
    const sum = workflow('sum', async (ids: string[]) => {
      const parts = await Promise.all(ids.map((id) => waitFor.with({ workflowId: id })()));
      return parts.reduce((a, b) => a + b, 0);
    });
    const test = await freshDatabase(open);
    const perdure = await launchEngine(test, { workflows: [waitFor, sum], parkAfter, poll: '1h' });
    const ids = Array.from({ length: 20 }, (_, run) => Array.from({ length: 4 }, (_, no) => `${run}.${no}`));
    const runs = await Promise.all(ids.map((children) => sum.with({ engine: perdure }).start(children)));
    const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
    await Promise.all(
      ids.flat().map(async (id, index) => {
        await expect
          .poll(
            () =>
              perdure
                .run(id)
                .status()
                .then(
                  () => true,
                  () => false,
                ),
            patient,
          )
          .toBe(true);
        await pause((index % 16) * 20);
        await perdure.send(id, 'go', 1);
      }),
    );
    expect(await Promise.all(runs.map((run) => run.result()))).toEqual(ids.map(() => 4));
  });

  it('is not parked for less than a replay costs', async () => {
    const test = await freshDatabase(open);
    await expect(launchEngine(test, { workflows: [], parkAfter: '1ms' })).rejects.toMatchObject({
      code: 'PERDURE_INVALID_ARGUMENT',
    });
  });
});
