import { AsyncLocalStorage } from 'node:async_hooks';
import { type Carrier, currentRun, queue, receive, sleep, step, workflow } from '@perdure/core';
import { describe, expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { connectClient, freshDatabase, launchEngine, testEngine } from '../support/engines.js';
import { pollIfToldNothing } from '../support/lanes.js';

const tenants = new AsyncLocalStorage<string>();

const tenantCarrier: Carrier<string> = {
  name: 'tenant',
  capture: () => tenants.getStore(),
  run: (tenant, fn) => tenants.run(tenant, fn),
};
const carriers = [tenantCarrier];

/** A carrier of something that is told apart from what code sees: it captures only what was set for it. */
function labelCarrier(): Carrier<string> & { label: string | undefined; readonly seen: string[] } {
  return {
    name: 'label',
    label: undefined,
    seen: [],
    capture() {
      return this.label;
    },
    run(label, fn) {
      this.seen.push(label);
      return fn();
    },
  };
}

describe.each(databases)('what a run carries on $name', ({ open }) => {
  it('is there in its function, its steps, their retries and its transactions, also after a crash', async () => {
    const seen: string[] = [];
    const note = (where: string): void => void seen.push(`${where} ${tenants.getStore()}`);
    const work = workflow('work', async () => {
      note('function');
      await step.run('first', () => note('first'));
      await step.run(
        'second',
        () => {
          note('second');
          if (currentRun()?.step?.attempt === 1) throw new Error('again');
        },
        { retries: 1, backoff: { initial: 1 } },
      );
      await sleep('1h');
      note('woken');
      await step.transaction('third', async () => note('third'));
      return tenants.getStore();
    });
    const engine = await testEngine(await freshDatabase(open), { workflows: [work], carriers });
    const crashed = engine.crashAfter(1);
    await tenants.run('acme', () => work.with({ workflowId: 'w', engine: engine.perdure }).start());
    await crashed;
    await engine.restart();
    const run = engine.perdure.run('w');
    expect(await tenants.run('other', () => run.result())).toBe('acme');
    expect(seen).toEqual(
      ['function', 'first', 'function', 'second', 'second', 'woken', 'third'].map((where) => `${where} acme`),
    );
    expect(await run.status()).toMatchObject({ attempt: 2, context: { tenant: 'acme' } });
  });

  it('is taken when the start is called, and nothing is carried where there is nothing', async () => {
    const work = workflow('work', async () => tenants.getStore() ?? 'nobody');
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [work], carriers });
    const bound = work.with({ engine: perdure });
    const started = tenants.run('acme', () => bound.start());
    tenants.enterWith('other');
    const run = await started;
    expect([await run.result(), (await run.status()).context]).toEqual(['acme', { tenant: 'acme' }]);
    const without = await tenants.exit(() => bound.start());
    expect([await without.result(), (await without.status()).context]).toEqual(['nobody', {}]);
  });

  it('goes on into children, and into what steps start, unless they bring their own', async () => {
    const carrier = labelCarrier();
    const child = workflow('child', async () => currentRun()?.workflowId ?? '');
    const parent = workflow('parent', async () => {
      const awaited = await child();
      const background = await child.start();
      const inStep = await step.run('launch', async () => (await child.start()).workflowId);
      carrier.label = 'own';
      return [awaited, background.workflowId, inStep, await child()];
    });
    const perdure = await launchEngine(await freshDatabase(open), {
      workflows: [parent, child],
      carriers: [carrier, tenantCarrier],
    });
    carrier.label = 'given';
    const run = await tenants.run('acme', () => parent.with({ engine: perdure }).start());
    carrier.label = undefined;
    const ids = await run.result();
    const contexts = await Promise.all(ids.map(async (id) => (await perdure.run(id).status()).context));
    expect(contexts).toEqual(['given', 'given', 'given', 'own'].map((label) => ({ label, tenant: 'acme' })));
  });

  it('goes on through engines and processes that know no carriers', async () => {
    const test = await freshDatabase(open);
    const child = workflow('child', async () => currentRun()?.workflowId ?? '');
    const parent = workflow('parent', async () => await child());
    const plain = await launchEngine(test, { workflows: [parent, child] });
    const client = await connectClient(test, { carriers });
    const run = await tenants.run('acme', () => client.workflow<typeof parent>('parent').start());
    const info = await plain.run(await run.result()).status();
    expect(info.context).toEqual({ tenant: 'acme' });
  });

  it('comes with runs that wait in queues, or become part of a transaction, or stand for another', async () => {
    const test = await freshDatabase(open);
    const line = queue('line');
    const work = workflow('work', async (_no: number) => tenants.getStore());
    const order = workflow('order', async () =>
      step.transaction('order', async () => (await work.start(1)).workflowId),
    );
    const perdure = await launchEngine(test, { workflows: [work, order], carriers });
    const enqueue = (tenant: string, no: number) =>
      tenants.run(tenant, () =>
        line.with({ engine: perdure, deduplication: { id: 'one', policy: 'latest' } }).enqueue(work, no),
      );
    const queued = await tenants.run('queued', () => line.with({ engine: perdure }).enqueue(work, 0));
    await perdure.queues.pause('line');
    const first = await enqueue('first', 1);
    expect((await enqueue('second', 2)).workflowId).toBe(first.workflowId);
    await perdure.queues.resume('line');
    expect(await Promise.all([queued.result(), first.result()])).toEqual(['queued', 'second']);
    const inTransaction = await tenants.run('acme', () => order.with({ engine: perdure })());
    expect(await perdure.run(inTransaction).result()).toBe('acme');
  });

  it('is no part of what makes a start the same start', async () => {
    const work = workflow('work', async () => tenants.getStore());
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [work], carriers });
    const bound = work.with({ engine: perdure, workflowId: 'w' });
    expect(await tenants.run('first', () => bound())).toBe('first');
    expect(await tenants.run('second', () => bound())).toBe('first');
  });

  it('refuses the start if it cannot be taken, and then nothing is stored', async () => {
    let captured: unknown;
    const carrier: Carrier = {
      name: 'any',
      capture() {
        if (captured instanceof Error) throw captured;
        return captured;
      },
      run: (_value, fn) => fn(),
    };
    const work = workflow('work', async () => 1);
    const caught = workflow('caught', async () => {
      captured = new TypeError('broken');
      return await work().catch((error: { code?: string }) => error.code);
    });
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [work, caught], carriers: [carrier] });
    for (const value of [new TypeError('broken'), () => {}, 'x'.repeat(9_000), { secret: Symbol('s') }]) {
      captured = value;
      await expect(work.with({ engine: perdure, workflowId: 'w' }).start()).rejects.toMatchObject({
        code: 'PERDURE_CARRIER_FAILED',
        data: { carrier: 'any', during: 'capture' },
      });
      await expect(work.with({ engine: perdure })()).rejects.toMatchObject({ code: 'PERDURE_CARRIER_FAILED' });
    }
    await expect(perdure.run('w').status()).rejects.toMatchObject({ code: 'PERDURE_RUN_NOT_FOUND' });
    captured = undefined;
    expect(await caught.with({ engine: perdure })()).toBe('PERDURE_CARRIER_FAILED');
  });

  it('is an error of the run if it cannot be put back', async () => {
    const work = workflow('work', async () => 1);
    const broken: Carrier = {
      name: 'broken',
      capture: () => 'value',
      run() {
        throw new TypeError('no');
      },
    };
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [work], carriers: [broken] });
    await expect(work.with({ engine: perdure })()).rejects.toMatchObject({
      code: 'PERDURE_CARRIER_FAILED',
      data: { carrier: 'broken', during: 'run' },
    });
  });

  it('is put back when a run that was parked goes on', async () => {
    const work = workflow('work', async () => {
      await receive('go');
      return await step.run('after', () => tenants.getStore());
    });
    const options = { workflows: [work], carriers, parkAfter: '100ms', poll: pollIfToldNothing } as const;
    const perdure = await launchEngine(await freshDatabase(open), options);
    const run = await tenants.run('acme', () => work.with({ engine: perdure }).start());
    await expect.poll(() => perdure.health().runs).toBe(0);
    await perdure.send(run, 'go', null);
    expect(await run.result()).toBe('acme');
  });
});
