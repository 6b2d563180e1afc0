import type { Database, Row, Statement } from '@perdure/core/internal';
import { currentRun, queue, step, workflow } from '@perdure/core';
import { describe, expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { connectClient, freshDatabase, launchEngine, testEngine } from '../support/engines.js';
import { passOn } from '../support/pass-on.js';

const fingerprint = 'sha256-of-the-request';

describe.each(databases)('a start on $name', ({ open }) => {
  it('tells whether it made the run, of many at once just one', async () => {
    const test = await freshDatabase(open);
    const work = workflow('work', async () => 1);
    const engines = [
      await launchEngine(test, { workflows: [work] }),
      await launchEngine(test, { workflows: [work], database: await test.reopen() }),
    ];
    const start = (no: number) => work.with({ workflowId: 'w', engine: engines[no % 2]! }).start();
    const started = await Promise.all(Array.from({ length: 10 }, (_, no) => start(no)));
    expect(started.filter(({ isNew }) => isNew)).toHaveLength(1);
    expect((await start(0)).isNew).toBe(false);
    expect((await work.with({ engine: engines[0]! }).start()).isNew).toBe(true);
  });

  it('tells it of queues, of clients and of transactional steps, too', async () => {
    const test = await freshDatabase(open);
    const line = queue('line');
    const work = workflow('work', async () => 1);
    const order = workflow('order', async () =>
      step.transaction('order', async () => (await work.with({ workflowId: 'in-transaction' }).start()).isNew),
    );
    const perdure = await launchEngine(test, { workflows: [work, order] });
    const client = await connectClient(test);
    await perdure.queues.pause('line');
    const attach = { id: 'one', policy: 'attach' } as const;
    const starts = [
      () => line.with({ engine: perdure, workflowId: 'queued' }).enqueue(work),
      () => line.with({ engine: client, workflowId: 'queued-by-client' }).enqueue(work),
      () => line.with({ engine: perdure, deduplication: attach }).enqueue(work),
      () => client.workflow<typeof work>('work').with({ workflowId: 'by-client' }).start(),
    ];
    for (const start of starts) expect([(await start()).isNew, (await start()).isNew]).toEqual([true, false]);
    const bound = order.with({ engine: perdure });
    expect([await bound(), await bound()]).toEqual([true, false]);
  });

  it('is new where the reply was lost, and the same start was sent once more', async () => {
    const test = await freshDatabase(open);
    let losses = 0;
    const lossy: Database = {
      ...passOn(test.database),
      async query<R extends Row>(statement: Statement) {
        const rows = await test.database.query<R>(statement);
        if (losses > 0 || !/flush_new_one|insert_available/.test(statement.name)) return rows;
        losses += 1;
        throw Object.assign(new Error('the connection broke'), { code: 'ECONNRESET' });
      },
    };
    const work = workflow('work', async () => 1);
    const perdure = await launchEngine({ ...test, database: lossy }, { workflows: [work] });
    expect((await work.with({ workflowId: 'w', engine: perdure }).start()).isNew).toBe(true);
    const client = await connectClient({ ...test, database: lossy });
    losses = 0;
    expect((await client.workflow<typeof work>('work').with({ workflowId: 'c' }).start()).isNew).toBe(true);
    expect(losses).toBe(1);
  });

  it('in a workflow is recorded with what it came to', async () => {
    const child = workflow('child', async () => 1);
    const seen: unknown[] = [];
    const parent = workflow('parent', async () => {
      const first = await child.with({ workflowId: 'c' }).start();
      const second = await child.with({ workflowId: 'c' }).start();
      seen.push([first.isNew, second.isNew, first.workflowId]);
      await step.run('after', () => 1);
    });
    const engine = await testEngine(await freshDatabase(open), { workflows: [parent, child] });
    const crashed = engine.crashAfter(2);
    await parent.with({ workflowId: 'p', engine: engine.perdure }).start();
    await crashed;
    await engine.restart();
    await engine.perdure.run('p').result();
    expect(new Set(seen.map((entry) => JSON.stringify(entry)))).toEqual(new Set(['[true,false,"c"]']));
  });

  it('with a fingerprint is compared by that, whatever the input', async () => {
    const test = await freshDatabase(open);
    const work = workflow('work', async (no: number) => no);
    const other = workflow('other', async (no: number) => no);
    const line = queue('line');
    const perdure = await launchEngine(test, { workflows: [work, other] });
    const client = await connectClient(test);
    const ways = [
      (id: string, options: object) => work.with({ workflowId: id, engine: perdure, ...options }),
      (id: string, options: object) => client.workflow<typeof work>('work').with({ workflowId: id, ...options }),
      (id: string, options: object) => ({
        start: (no: number) => line.with({ workflowId: id, engine: perdure, ...options }).enqueue(work, no),
      }),
    ];
    for (const [no, start] of ways.entries()) {
      const id = `run-${no}`;
      const first = await start(id, { fingerprint }).start(1);
      const second = await start(id, { fingerprint }).start(2);
      expect([first.isNew, second.isNew, await second.result()]).toEqual([true, false, 1]);
      await expect(start(id, { fingerprint: 'another' }).start(1)).rejects.toMatchObject({
        code: 'PERDURE_WORKFLOW_CONFLICT',
        data: { workflowId: id, reason: 'fingerprint' },
      });
      expect((await start(id, {}).start(1)).isNew).toBe(false);
      await expect(start(id, {}).start(2)).rejects.toMatchObject({ data: { reason: 'input' } });
      const renamed = other.with({ workflowId: id, engine: perdure, fingerprint }).start(1);
      await expect(renamed).rejects.toMatchObject({ data: { reason: 'workflow' } });
    }
    await work.with({ workflowId: 'plain', engine: perdure })(1);
    const compared = work.with({ workflowId: 'plain', engine: perdure, fingerprint }).start(1);
    await expect(compared).rejects.toMatchObject({ data: { reason: 'fingerprint' } });
  });

  it('with a fingerprint is compared by it also while the run is executed, and after it was taken over', async () => {
    let begun = 0;
    let finish = (): void => {};
    const goOn = new Promise<void>((resolve) => (finish = resolve));
    const work = workflow('work', async (no: number) => {
      await step.run('first', () => (begun += 1));
      await step.run('second', () => goOn);
      return [no, currentRun()?.attempt];
    });
    const engine = await testEngine(await freshDatabase(open), { workflows: [work] });
    const start = (no: number, given: string) =>
      work.with({ workflowId: 'w', engine: engine.perdure, fingerprint: given }).start(no);
    const crashed = engine.crashAfter(1);
    expect((await start(1, fingerprint)).isNew).toBe(true);
    await crashed;
    await engine.restart();
    await expect.poll(() => engine.perdure.health().runs).toBe(1);
    await expect(start(1, 'another')).rejects.toMatchObject({ data: { reason: 'fingerprint' } });
    const again = await start(2, fingerprint);
    finish();
    expect([again.isNew, await again.result()]).toEqual([false, [1, 2]]);
    expect(begun).toBe(1);
  });

  it('with a fingerprint that does not hold is refused', async () => {
    const work = workflow('work', async () => 1);
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [work] });
    for (const given of ['', 'a\nb', 'x'.repeat(256)]) {
      const refused = work.with({ workflowId: 'w', engine: perdure, fingerprint: given }).start();
      await expect(refused).rejects.toMatchObject({ code: 'PERDURE_INVALID_ARGUMENT' });
    }
    await expect(perdure.run('w').status()).rejects.toMatchObject({ code: 'PERDURE_RUN_NOT_FOUND' });
  });
});
