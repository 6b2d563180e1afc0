import { step, workflow } from '@perdure/core';
import { describe, expect, it } from 'vitest';
import { countingDatabase } from '../support/counting-database.js';
import { databases } from '../support/databases.js';
import { connectClient, freshDatabase, launchEngine } from '../support/engines.js';

describe.each(databases)('waiting for a result on $name', ({ open }) => {
  it('ends when its signal aborts, and the run and all other waiting goes on', async () => {
    const test = await freshDatabase(open);
    const gates = ['ours', 'the client’s'].map((id) => {
      let open = (): void => {};
      return { id, opened: new Promise<void>((resolve) => (open = resolve)), open: () => open() };
    });
    const work = workflow('work', async (no: number) => {
      await step.run('wait', () => gates[no]!.opened);
      return 'done';
    });
    const perdure = await launchEngine(test, { workflows: [work] });
    const client = await connectClient(test);
    for (const [no, { id, open: finish }] of gates.entries()) {
      const run = await work.with({ workflowId: id, engine: perdure }).start(no);
      const handle = no === 0 ? run : client.run(id);
      const controller = new AbortController();
      const [left, stays] = [handle.result({ signal: controller.signal }), handle.result()];
      const reason = new Error('no longer of interest');
      controller.abort(reason);
      await expect(left).rejects.toBe(reason);
      await expect(handle.result({ signal: controller.signal })).rejects.toBe(reason);
      expect((await handle.status()).status).toBe('running');
      const patientOne = handle.result({ signal: new AbortController().signal });
      finish();
      expect(await Promise.all([stays, patientOne])).toEqual(['done', 'done']);
    }
  });

  it('asks the database no more for a run that nobody waits for', async () => {
    const test = await freshDatabase(open);
    const database = countingDatabase(test.database);
    const work = workflow('work', async () => step.run('hang', () => new Promise<void>(() => {})));
    const perdure = await launchEngine(test, { workflows: [work] });
    const other = await launchEngine({ ...test, database }, { workflows: [], poll: 10 });
    await work.with({ workflowId: 'w', engine: perdure }).start();
    const controller = new AbortController();
    const left = other.run('w').result({ signal: controller.signal });
    await expect.poll(() => database.count('runs_find_outcomes')).toBeGreaterThan(2);
    controller.abort();
    await expect(left).rejects.toThrow('abort');
    // A question may be under way still; then it is the last one.
    const asked = database.count('runs_find_outcomes');
    await other.run('w').status();
    for (let turns = 0; turns < 20; turns += 1) await other.run('w').status();
    expect(database.count('runs_find_outcomes')).toBeLessThanOrEqual(asked + 1);
  });

  it('with a signal is refused in a workflow', async () => {
    const child = workflow('child', async () => 1);
    const parent = workflow('parent', async () => {
      const run = await child.start();
      return await run.result({ signal: new AbortController().signal }).catch((error: { code: string }) => error.code);
    });
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [parent, child] });
    expect(await parent.with({ engine: perdure })()).toBe('PERDURE_INVALID_ARGUMENT');
  });
});
