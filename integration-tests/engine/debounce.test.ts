import { queue, step, workflow } from '@perdure/core';
import { describe, expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { freshDatabase, testEngine } from '../support/engines.js';

const hour = 3_600_000;

/** A workflow that notes its inputs. */
function noting(name: string) {
  const seen: string[] = [];
  return { seen, note: workflow(name, async (text: string) => await step.run('note', () => void seen.push(text))) };
}

describe.each(databases)('what is debounced on $name', ({ open }) => {
  it('is kept apart by its ids, and begins anew once the run has begun or was cancelled', async () => {
    const { seen, note } = noting('saved');
    const { perdure, clock } = await testEngine(await freshDatabase(open), { workflows: [note] });
    const saved = (id: string) => queue('saved').with({ engine: perdure, debounce: { id, wait: '1h' } });
    const [a, b] = [await saved('a').enqueue(note, 'a1'), await saved('b').enqueue(note, 'b1')];
    expect(b.workflowId).not.toBe(a.workflowId);
    expect((await saved('a').enqueue(note, 'a2')).workflowId).toBe(a.workflowId);
    await b.cancel();
    const again = await saved('b').enqueue(note, 'b2');
    expect(again.workflowId).not.toBe(b.workflowId);
    clock.advance(hour);
    await Promise.all([a, again].map((run) => run.result()));
    const next = await saved('a').enqueue(note, 'a3');
    expect(next.workflowId).not.toBe(a.workflowId);
    clock.advance(hour);
    await next.result();
    expect(seen.toSorted()).toEqual(['a2', 'a3', 'b2']);
  });

  it('is refused where a run of another workflow, or one that is no debounced one, has the id', async () => {
    const [one, other] = [noting('one'), noting('other')];
    const { perdure } = await testEngine(await freshDatabase(open), { workflows: [one.note, other.note] });
    const bound = queue('kept').with({ engine: perdure });
    const debounced = bound.with({ debounce: { id: 'same', wait: '1h' } });
    const first = await debounced.enqueue(one.note, 'first');
    const duplicate = { code: 'PERDURE_ITEM_DUPLICATE', data: { workflowId: first.workflowId } };
    await expect(debounced.enqueue(other.note, 'other')).rejects.toMatchObject(duplicate);
    await expect(bound.with({ deduplication: { id: 'same' } }).enqueue(one.note, 'x')).rejects.toMatchObject(duplicate);
  });

  it('from a workflow is enqueued once, at whatever checkpoint its process dies', async () => {
    const { seen, note } = noting('bounced');
    queue('bounced');
    const saving = workflow('saving', async () => {
      const saves = queue('bounced').with({ debounce: { id: 'doc', wait: '1h' } });
      const runs = [];
      for (const text of ['1', '2', '3']) {
        runs.push(await saves.enqueue(note, text));
        await step.run('typed', () => text);
      }
      return runs.map((run) => run.workflowId);
    });
    for (let checkpoints = 1; checkpoints <= 6; checkpoints += 1) {
      seen.length = 0;
      const engine = await testEngine(await freshDatabase(open), { workflows: [note, saving] });
      await engine.perdure.queues.list();
      await engine.perdure.queues.pause('bounced'); // or it would begin in a pause between two calls
      const crashed = engine.crashAfter(checkpoints);
      await saving.with({ engine: engine.perdure, workflowId: 'saving' }).start();
      await crashed;
      await engine.restart();
      const ids = (await engine.perdure.run('saving').result()) as string[];
      expect(new Set(ids).size).toBe(1);
      await engine.perdure.queues.resume('bounced');
      engine.clock.advance(hour);
      await engine.perdure.run(ids[0]!).result();
      expect(seen).toEqual(['3']);
      await engine.close();
    }
  });
});
