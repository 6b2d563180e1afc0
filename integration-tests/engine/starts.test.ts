import { AsyncResource } from 'node:async_hooks';
import { currentRun, now, random, sleep, step, uuid, workflow } from '@perdure/core';
import { createStore } from '@perdure/core/internal';
import { describe, expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { freshDatabase, launchEngine, testEngine } from '../support/engines.js';
import { losingAReply } from '../support/losing-a-reply.js';

describe.each(databases)('starting a workflow on $name', ({ open }) => {
  it('twice with one workflow id is one run', async () => {
    let bodies = 0;
    const charge = workflow('charge', async (order: { id: number; items: string[] }) => {
      await step.run('pay', () => (bodies += 1));
      return order.id;
    });
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [charge] });
    const start = () => charge.with({ workflowId: 'order-1', engine: perdure })({ id: 7, items: ['a'] });
    expect(await Promise.all(Array.from({ length: 20 }, start))).toEqual(Array.from({ length: 20 }, () => 7));
    expect(await start()).toBe(7);
    expect(bodies).toBe(1);
  });

  it('with one workflow id and the keys of the input in another order is one run', async () => {
    const charge = workflow('charge', async (order: Record<string, unknown>) => Object.keys(order).length);
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [charge] });
    const { start } = charge.with({ workflowId: 'order-1', engine: perdure });
    const [first, second] = [await start({ a: 1, b: new Date(5) }), await start({ b: new Date(5), a: 1 })];
    expect(await first.result()).toBe(await second.result());
  });

  it('with one workflow id and another input, or another workflow, is a conflict', async () => {
    const charge = workflow('charge', async (order: number) => order);
    const refund = workflow('refund', async (order: number) => order);
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [charge, refund] });
    const bound = { workflowId: 'order-1', engine: perdure };
    await charge.with(bound)(1);
    await expect(charge.with(bound).start(2)).rejects.toMatchObject({
      code: 'PERDURE_WORKFLOW_CONFLICT',
      data: { workflowId: 'order-1', reason: 'input' },
    });
    await expect(refund.with(bound).start(1)).rejects.toMatchObject({
      code: 'PERDURE_WORKFLOW_CONFLICT',
      data: { reason: 'workflow', existing: 'charge', given: 'refund' },
    });
    await expect(charge.with(bound)(1)).resolves.toBe(1);
  });

  it('within a scope that names runs gives the same runs when it happens again', async () => {
    let bodies = 0;
    const charge = workflow('charge', async (order: number) => await step.run('pay', () => ++bodies * 100 + order));
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [charge] });
    const request = async (): Promise<number[]> => {
      let starts = 0;
      const runIdFor = (name: string) => `request-1 ${name} ${++starts}`;
      const byName = perdure.workflow<typeof charge>('charge');
      return await perdure.within(
        async () => [
          await charge(7),
          await byName(8),
          await charge.with({ engine: perdure })(9),
          await charge.with({ workflowId: 'own' })(10),
        ],
        { runIdFor },
      );
    };
    const first = await request();
    expect(first).toEqual([107, 208, 309, 410]);
    expect(await request()).toEqual(first);
    expect(await perdure.run('request-1 charge 2').result()).toBe(208);
  });

  it('within a scope that names runs gives other engines no names', async () => {
    const charge = workflow('charge', async () => 'charged');
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [charge] });
    const other = await launchEngine(await freshDatabase(open), { workflows: [charge] });
    const runIdFor = () => 'named';
    const run = await perdure.within(() => charge.with({ engine: other }).start(), { runIdFor });
    expect(run.workflowId).not.toBe('named');
    expect(await run.result()).toBe('charged');
  });

  it('on two engines with one workflow id is one run, and both get its result', async () => {
    const test = await freshDatabase(open);
    let bodies = 0;
    const charge = workflow('charge', async (order: number) => {
      await step.run('pay', async () => {
        bodies += 1;
        await new Promise((resolve) => setTimeout(resolve, 50));
      });
      return order;
    });
    const engines = [
      await launchEngine(test, { workflows: [charge] }),
      await launchEngine(test, { workflows: [charge], database: await test.reopen() }),
    ];
    const results = await Promise.all(
      engines.flatMap((engine) => [1, 2, 3].map(() => charge.with({ workflowId: 'order-1', engine })(5))),
    );
    expect(results).toEqual([5, 5, 5, 5, 5, 5]);
    expect(bodies).toBe(1);
  });

  it('whose reply was lost together with the lease is executed once, by whoever takes the run', async () => {
    const test = await freshDatabase(open);
    const { database, lost, sendAgain } = losingAReply(test.database, /_flush_new_one_none_none/);
    const begun: string[] = [];
    const charge = workflow('charge', () => step.run('pay', () => begun.push(currentRun()?.idempotencyKey ?? '')));
    const perdure = await launchEngine({ ...test, database }, { workflows: [charge] });
    const charged = charge.with({ workflowId: 'order-1', engine: perdure })();
    await lost;
    const { executors } = createStore(test.database, test.schema);
    await executors.revoke({ executorId: perdure.executorId!, now: null });
    sendAgain();
    expect(await charged).toBe(1);
    expect(begun).toHaveLength(1);
    const [history] = (await createStore(test.database, test.schema).runs.loadHistories(['order-1'])).values();
    expect(history?.map(({ attempt }) => attempt)).toEqual([2]);
  });

  it('refuses ids, names, inputs and options that do not hold, and nothing is stored', async () => {
    const test = await freshDatabase(open);
    const charge = workflow('charge', async (order: unknown) => order, { input: evenNumber });
    const perdure = await launchEngine(test, { workflows: [charge] });
    const bound = charge.with({ engine: perdure });
    for (const workflowId of ['', ' ', 'a\u0000b', 'x'.repeat(256), '\ud800']) {
      await expect(bound.with({ workflowId }).start(2)).rejects.toMatchObject({ code: 'PERDURE_INVALID_ARGUMENT' });
    }
    await expect(bound.with({ timeout: 'soon' }).start(2)).rejects.toMatchObject({ code: 'PERDURE_INVALID_ARGUMENT' });
    await expect(bound.start(3)).rejects.toMatchObject({ code: 'PERDURE_INVALID_INPUT', issues: [{ message: 'odd' }] });
    await expect(bound.start('x'.repeat(3_000_000))).rejects.toMatchObject({ code: 'PERDURE_INVALID_INPUT' });
    expect(() => workflow('', async () => {})).toThrow('must not be empty');
    expect(() => step('s', async () => {}, { retries: -1 })).toThrow('retries');
    await expect(perdure.run('nobody').result()).rejects.toMatchObject({ code: 'PERDURE_RUN_NOT_FOUND' });
    await expect(perdure.run('nobody').status()).rejects.toMatchObject({ code: 'PERDURE_RUN_NOT_FOUND' });
    await expect(perdure.run('nobody').cancel()).rejects.toMatchObject({ code: 'PERDURE_RUN_NOT_FOUND' });
  });

  it('stores what the schema makes of the input', async () => {
    const charge = workflow('charge', async (order: unknown) => order, { input: evenNumber });
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [charge] });
    expect(await charge.with({ engine: perdure })('4')).toBe(4);
  });

  it('gives a workflow time, ids and randomness that are the same after a crash', async () => {
    const seen: unknown[][] = [];
    const draws = workflow('draws', async () => {
      const drawn: unknown[] = [now(), uuid(), random()];
      await step.run('first', () => 1);
      drawn.push(now(), uuid(), currentRun()?.workflowId);
      await sleep('1h');
      drawn.push(now(), random());
      seen.push(drawn);
      await step.run('second', () => 1);
      return drawn;
    });
    const engine = await testEngine(await freshDatabase(open), { workflows: [draws] });
    const crashed = engine.crashAfter(3);
    await draws.with({ workflowId: 'd', engine: engine.perdure }).start();
    await crashed;
    await engine.restart();
    const result = await engine.perdure.run('d').result();
    expect(seen).toHaveLength(2);
    expect(seen[0]).toEqual(seen[1]);
    expect(result).toEqual(seen[0]);
  });

  it('is a plain call for a step outside a workflow, and for a sleep', async () => {
    const double = step('double', async (n: number) => n * 2);
    expect(await double(2)).toBe(4);
    expect(await step.run('inline', () => 5)).toBe(5);
    await sleep(1);
    expect(currentRun()).toBeUndefined();
  });

  it('needs an engine, and says so', async () => {
    const lonely = workflow('lonely', async () => 1);
    await expect(lonely()).rejects.toMatchObject({ code: 'PERDURE_NOT_LAUNCHED' });
    const test = await freshDatabase(open);
    const first = await launchEngine(test, { workflows: [lonely] });
    expect(await lonely()).toBe(1);
    await launchEngine(test, { workflows: [lonely] });
    await expect(lonely()).rejects.toMatchObject({ code: 'PERDURE_INVALID_ARGUMENT' });
    expect(await first.within(() => lonely())).toBe(1);
  });

  it('goes, within an engine and in its runs, to the engine that says so', async () => {
    const which = (): boolean[] => [first.isCurrent, second.isCurrent];
    const asking = workflow('asking', async () => [which(), await step.run('ask', which)]);
    const [first, second] = await Promise.all([
      launchEngine(await freshDatabase(open), { workflows: [asking] }),
      launchEngine(await freshDatabase(open), { workflows: [asking] }),
    ]);
    expect(which()).toEqual([false, false]);
    expect(second.within(which)).toEqual([false, true]);
    expect(await asking.with({ engine: first })()).toEqual([
      [true, false],
      [true, false],
    ]);
  });

  it.each(['step.run', 'step.transaction', 'perdure.within in a step'])(
    'from what the body of %s has left behind goes to the engine, whatever became of the run',
    async (kind) => {
      const test = await freshDatabase(open);
      const echo = workflow('echo', async (said: string) => said);
      let listen = (_said: string): Promise<string> => Promise.reject(new Error('nothing listens'));
      const opening = workflow('opening', async () => {
        // As a callback of a connection that was opened here is called, for good.
        const open = () => void (listen = AsyncResource.bind((said: string) => echo(said)));
        if (kind === 'step.transaction') await step.transaction('open', open);
        else await step.run('open', kind === 'step.run' ? open : () => perdure.within(open));
      });
      const perdure = await launchEngine(test, { workflows: [echo, opening], lease: '2s' });
      await opening();
      expect(await listen('at once')).toBe('at once');
      const first = perdure.executorId!;
      await createStore(test.database, test.schema).executors.revoke({ executorId: first, now: null });
      await expect.poll(() => [null, first].includes(perdure.executorId)).toBe(false);
      expect(await listen('by the next executor')).toBe('by the next executor');
    },
  );

  it('from what a try of a step has left behind takes no id of the next try', async () => {
    const refreshed: string[] = [];
    const refresh = workflow('refresh', async (by: string) => refreshed.push(by));
    let listen = (): Promise<unknown> => Promise.reject(new Error('nothing listens'));
    const opening = workflow('opening', async () =>
      step.run(
        'open',
        async () => {
          if (currentRun()?.step?.attempt === 1) {
            listen = AsyncResource.bind(() => refresh('listener'));
            throw new Error('again');
          }
          await listen();
          await refresh('step');
        },
        { retries: 1, backoff: { initial: 1 } },
      ),
    );
    await launchEngine(await freshDatabase(open), { workflows: [opening, refresh] });
    await opening();
    expect(refreshed).toEqual(['listener', 'step']);
  });

  it('from a step gives a handle that outlives the run', async () => {
    const asleep = workflow('asleep', async () => sleep('1h'));
    let handle: { result(): Promise<unknown> } | null = null;
    const starting = workflow('starting', async () => {
      await step.run('start', async () => void (handle = await asleep.start()));
    });
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [asleep, starting] });
    await starting();
    await perdure.shutdown({ drainMs: 0 });
    await expect(handle!.result()).rejects.toMatchObject({ code: 'PERDURE_ENGINE_STOPPED' });
  });

  it('from the body of a step finds the run of the first try again', async () => {
    let runs = 0;
    const inner = workflow('inner', async () => (runs += 1));
    const outer = workflow('outer', async () =>
      step.run(
        'launch',
        async () => {
          const run = await inner.start();
          if (currentRun()?.step?.attempt === 1) throw new Error('again');
          return [await run.result(), run.workflowId];
        },
        { retries: 1, backoff: { initial: 1 } },
      ),
    );
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [inner, outer] });
    const [result] = await outer.with({ engine: perdure, workflowId: 'o' })();
    expect(result).toBe(1);
    expect(runs).toBe(1);
  });
});

/** A Standard Schema written by hand: numbers, or texts of them, that are even. */
const evenNumber = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value: unknown) =>
      Number(value) % 2 === 0 ? { value: Number(value) } : { issues: [{ message: 'odd' }] },
  },
} as const;
