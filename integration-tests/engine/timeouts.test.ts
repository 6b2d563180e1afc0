import { currentRun, now, sleep, step, workflow } from '@perdure/core';
import { describe, expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { freshDatabase, launchEngine, testEngine } from '../support/engines.js';

const day = 24 * 3_600_000;

describe.each(databases)('timeouts on $name', ({ open }) => {
  it('a workflow that takes too long fails, and its code does not hear of it', async () => {
    const seen: string[] = [];
    const slow = workflow(
      'slow',
      async () => {
        try {
          await sleep('2h');
        } catch {
          seen.push('catch');
        } finally {
          seen.push('finally');
        }
      },
      { timeout: '1h' },
    );
    const engine = await testEngine(await freshDatabase(open), { workflows: [slow] });
    const before = engine.clock.now();
    const run = await slow.with({ engine: engine.perdure }).start();
    await expect(run.result()).rejects.toMatchObject({ code: 'PERDURE_WORKFLOW_TIMEOUT' });
    expect((await run.status()).status).toBe('failed');
    expect(engine.clock.now() - before).toBeLessThan(2 * 3_600_000);
    expect(seen).toEqual([]);
  });

  it('a deadline months away holds through a restart, to the day', async () => {
    const slow = workflow('slow', async () => {
      await step.run('first', () => 1);
      await sleep('365d');
    });
    const engine = await testEngine(await freshDatabase(open), { workflows: [slow] });
    const before = engine.clock.now();
    const crashed = engine.crashAfter(1);
    await slow.with({ workflowId: 's', timeout: '100d', engine: engine.perdure }).start();
    await crashed;
    await engine.restart();
    await expect(engine.perdure.run('s').result()).rejects.toMatchObject({ code: 'PERDURE_WORKFLOW_TIMEOUT' });
    expect(Math.floor((engine.clock.now() - before) / day)).toBe(100);
  });

  it('a workflow that asked for it compensates when its time is over', async () => {
    const did: string[] = [];
    const booking = workflow(
      'booking',
      async () => {
        try {
          await sleep('2d');
        } finally {
          await step.run('release', () => void did.push('released'));
        }
      },
      { timeout: '1d', onCancel: 'throw' },
    );
    const engine = await testEngine(await freshDatabase(open), { workflows: [booking] });
    await expect(booking.with({ engine: engine.perdure })()).rejects.toMatchObject({
      code: 'PERDURE_WORKFLOW_TIMEOUT',
    });
    expect(did).toEqual(['released']);
  });

  it("a child's time ends with its parent's, unless it is detached", async () => {
    const child = workflow('child', async () => sleep('3h'));
    const parent = workflow('parent', async () => {
      await child.with({ workflowId: 'detached', detached: true }).start();
      await child.with({ workflowId: 'attached' })();
    });
    const engine = await testEngine(await freshDatabase(open), { workflows: [parent, child] });
    const run = await parent.with({ timeout: '1h', engine: engine.perdure }).start();
    await expect(run.result()).rejects.toMatchObject({ code: 'PERDURE_WORKFLOW_TIMEOUT' });
    const attached = engine.perdure.run('attached');
    await expect(attached.result()).rejects.toMatchObject({ code: 'PERDURE_WORKFLOW_TIMEOUT' });
    expect((await engine.perdure.run('detached').status()).deadlineAt).toBeNull();
  });

  it('a step that takes too long is tried again, and each try hears of its own end', async () => {
    const aborted: (number | undefined)[] = [];
    const slow = step(
      'slow',
      async () => {
        const run = currentRun();
        if (run?.step?.attempt === 3) return 'in time';
        await new Promise<void>((resolve) => run?.signal.addEventListener('abort', () => resolve(), { once: true }));
        aborted.push(run?.step?.attempt);
        return 'too late';
      },
      { timeout: 20, retries: 2, backoff: { initial: 1 } },
    );
    const waits = workflow('waits', async () => await slow());
    const never = workflow('never', async () => await slow.with({ retries: 0 })());
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [waits, never] });
    expect(await waits.with({ engine: perdure })()).toBe('in time');
    expect(aborted).toEqual([1, 2]);
    await expect(never.with({ engine: perdure })()).rejects.toMatchObject({
      code: 'PERDURE_STEP_TIMEOUT',
      data: { stepName: 'slow', timeoutMs: 20 },
    });
  });

  it('a sleep resumes to its original end', async () => {
    const sleeper = workflow('sleeper', async () => {
      const before = now();
      await sleep('10d');
      return now() - before;
    });
    const engine = await testEngine(await freshDatabase(open), { workflows: [sleeper] });
    const crashed = engine.crashAfter(1);
    const before = engine.clock.now();
    await sleeper.with({ workflowId: 's', engine: engine.perdure }).start();
    await crashed;
    engine.clock.advance(4 * day);
    await engine.restart();
    await engine.perdure.run('s').result();
    expect(Math.round((engine.clock.now() - before) / day)).toBe(10);
  });
});
