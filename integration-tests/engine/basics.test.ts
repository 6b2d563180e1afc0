import { describe, expect, it } from 'vitest';
import { Perdure, sleep, step, workflow } from '@perdure/core';
import { laneOptions } from '../support/lanes.js';
import { databases } from '../support/databases.js';

describe.each(databases)('an engine on $name', ({ open }) => {
  it('runs a workflow of steps and returns its result', async () => {
    const { database, schema, dispose } = await open();
    const double = step('double', async (n: number) => n * 2);
    const quadruple = workflow('quadruple', async (n: number) => await double(await double(n)));
    const perdure = await Perdure.launch({ ...laneOptions, database, schema, workflows: [quadruple] });
    try {
      expect(await quadruple(3)).toBe(12);
      const run = await quadruple.with({ workflowId: 'a' }).start(5);
      expect(await run.result()).toBe(20);
      expect((await run.status()).status).toBe('completed');
    } finally {
      await perdure.shutdown();
      await dispose();
    }
  });

  it('sleeps, awaits children and races', async () => {
    const { database, schema, dispose } = await open();
    const child = workflow('child', async (n: number) => {
      await sleep(20);
      return await step.run('inner', () => n + 1);
    });
    const parent = workflow('parent', async () => {
      const [a, b] = await Promise.all([child(1), child(2)]);
      const first = await Promise.race([sleep(1000).then(() => 'slept'), step.run('quick', () => 'quick')]);
      const background = await child.start(10);
      return [a, b, first, await background.result(), (await background.status()).status];
    });
    const perdure = await Perdure.launch({ ...laneOptions, database, schema, workflows: [child, parent] });
    try {
      expect(await parent()).toEqual([2, 3, 'quick', 11, 'completed']);
    } finally {
      await perdure.shutdown();
      await dispose();
    }
  });
});
