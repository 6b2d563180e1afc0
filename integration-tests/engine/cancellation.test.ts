import {
  type CancelledError,
  currentRun,
  queue,
  send,
  sleep,
  type StartedRun,
  type StartOptions,
  step,
  workflow,
} from '@perdure/core';
import { describe, expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { gate } from '../support/gate.js';
import { holdingAStatement } from '../support/holding-a-statement.js';
import { connectClient, freshDatabase, launchEngine, testEngine } from '../support/engines.js';

describe.each(databases)('cancelling a run on $name', ({ open }) => {
  it('stops it at once: a running step hears of it, user code does not', async () => {
    const seen: string[] = [];
    const long = workflow('long', async () => {
      try {
        await step.run('wait', () => untilAborted(() => seen.push('aborted')));
      } catch {
        seen.push('catch');
      } finally {
        seen.push('finally');
      }
    });
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [long] });
    const run = await long.with({ engine: perdure }).start();
    await expect.poll(() => untilAborted.waiting).toBeGreaterThan(0);
    await run.cancel();
    await expect(run.result()).rejects.toMatchObject({ code: 'PERDURE_CANCELLED' });
    expect((await run.status()).status).toBe('cancelled');
    await expect.poll(() => seen).toEqual(['aborted']);
    await run.cancel();
    expect((await run.status()).status).toBe('cancelled');
  });

  it('wakes a sleeper, in whichever engine it sleeps', async () => {
    const test = await freshDatabase(open);
    const sleeper = workflow('sleeper', async () => sleep('10d'));
    const first = await launchEngine(test, { workflows: [sleeper] });
    const second = await launchEngine(test, { workflows: [], database: await test.reopen() });
    const run = await sleeper.with({ engine: first, workflowId: 's' }).start();
    await second.run('s').cancel();
    await expect(run.result()).rejects.toMatchObject({ code: 'PERDURE_CANCELLED' });
    await expect(second.run('s').result()).rejects.toMatchObject({ code: 'PERDURE_CANCELLED' });
  });

  it('reaches its children, but not the detached ones', async () => {
    const child = workflow('child', async () => sleep('1d'));
    const parent = workflow('parent', async () => {
      await child.with({ workflowId: 'background' }).start();
      await child.with({ workflowId: 'detached', detached: true }).start();
      await child.with({ workflowId: 'awaited' })();
    });
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [parent, child] });
    const run = await parent.with({ engine: perdure }).start();
    await expect
      .poll(() =>
        perdure
          .run('awaited')
          .status()
          .then(
            ({ status }) => status,
            () => 'none',
          ),
      )
      .toBe('running');
    await run.cancel();
    for (const workflowId of ['background', 'awaited']) {
      await expect(perdure.run(workflowId).result()).rejects.toMatchObject({ code: 'PERDURE_CANCELLED' });
    }
    expect((await perdure.run('detached').status()).status).toBe('running');
  });

  it.each(['stop', 'throw'] as const)(
    'reaches a child that came to be meanwhile, with onCancel "%s"',
    async (onCancel) => {
      const test = await freshDatabase(open);
      const { database, close, held, open: letGo } = holdingAStatement(test.database, /flush_new/);
      const { mayStart, parent, workflows } = hasty(onCancel);
      const perdure = await launchEngine(test, { workflows, database });
      const run = await parent.with({ engine: perdure }).start();
      close();
      mayStart.open();
      await held;
      await run.cancel();
      letGo();
      await expect(run.result()).rejects.toMatchObject({ code: 'PERDURE_CANCELLED' });
      await expect(perdure.run('late').result()).rejects.toMatchObject({ code: 'PERDURE_CANCELLED' });
    },
  );

  it.each(['stop', 'throw'] as const)('reaches it from another process, with onCancel "%s"', async (onCancel) => {
    const test = await freshDatabase(open);
    const { mayStart, parent, workflows } = hasty(onCancel);
    const first = await launchEngine(test, { workflows, database: await test.reopen() });
    await parent.with({ engine: first, workflowId: 'p' }).start();
    mayStart.open();
    await expect
      .poll(() =>
        first
          .run('late')
          .status()
          .catch(() => null),
      )
      .not.toBeNull();
    await first.shutdown({ drainMs: 0 });
    await test.administer(`update "${test.schema}".runs set cancel_requested_at = now() where workflow_id = 'p'`);
    const second = await launchEngine(test, { workflows });
    for (const workflowId of ['p', 'late']) {
      await expect(second.run(workflowId).result()).rejects.toMatchObject({ code: 'PERDURE_CANCELLED' });
    }
  });

  it.each(['stop', 'throw'] as const)(
    'is what a parent hears of, not its child, with onCancel "%s"',
    async (onCancel) => {
      const test = await freshDatabase(open);
      const { database, close, held, open: letGo } = holdingAStatement(test.database, /request_cancel_of_children/);
      const { caught, parent, workflows } = waitingParent(onCancel, {});
      const perdure = await launchEngine(test, { workflows, database });
      const run = await parent.with({ engine: perdure }).start();
      await expect.poll(() => untilAborted.waiting).toBeGreaterThan(0);
      close();
      await run.cancel();
      await held;
      await expect(perdure.run('child').result()).rejects.toMatchObject({ code: 'PERDURE_CANCELLED' });
      letGo();
      await expect(run.result()).rejects.toMatchObject({ code: 'PERDURE_CANCELLED' });
      expect(caught).toEqual(onCancel === 'stop' ? [] : [run.workflowId]);
    },
  );

  it.each(['waits for it', 'sends to it'])(
    'is what a parent hears of that %s, though its child has been cancelled in another process',
    async (what) => {
      const test = await freshDatabase(open);
      const line = queue('line');
      const gone = gate();
      const { caught, parent, workflows } = waitingParent('throw', { queue: line }, async (child) => {
        if (what === 'waits for it') return void (await child.result());
        await step.run('hold on', () => gone.opened);
        await send(child, 'news', 'too late');
      });
      const { database, close, held, open: letGo } = holdingAStatement(await test.reopen(), /find_cancel_requests/);
      // Nobody tells it of anything.
      const deaf = { notifications: false, queues: ['another line'] } as const;
      const first = await launchEngine(test, { workflows, database, ...deaf });
      const second = await launchEngine(test, { workflows: workflows.slice(1) });
      const run = await parent.with({ engine: first, workflowId: 'p' }).start();
      await expect.poll(() => untilAborted.waiting).toBeGreaterThan(0);
      // Nor does it come to look by itself.
      close();
      await held;
      await second.run('p').cancel();
      await expect(second.run('child').result()).rejects.toMatchObject({ code: 'PERDURE_CANCELLED' });
      gone.open();
      await expect(run.result()).rejects.toMatchObject({ code: 'PERDURE_CANCELLED' });
      letGo();
      expect(caught).toEqual(['p']);
    },
  );

  it('names each run to those that wait for it, whether it had begun or not', async () => {
    const line = queue('cancelled in line');
    const child = workflow('child', async () => await sleep('1d'));
    const [begun, unbegun] = ['begun', '"un"begun\\'];
    const parent = workflow('parent', async () => {
      await child.with({ workflowId: begun }).start();
      await line.with({ workflowId: unbegun }).enqueue(child);
      await sleep('1d');
    });
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [parent, child] });
    await perdure.queues.pause('cancelled in line');
    const run = await parent.with({ engine: perdure, workflowId: 'p' }).start();
    const stored = (workflowId: string) =>
      perdure
        .run(workflowId)
        .status()
        .catch(() => null);
    await expect.poll(() => stored(unbegun)).not.toBeNull();
    await run.cancel();
    for (const workflowId of ['p', begun, unbegun]) {
      await expect(perdure.run(workflowId).result()).rejects.toMatchObject({
        code: 'PERDURE_CANCELLED',
        message: expect.stringContaining(`Run "${workflowId}" was cancelled.`),
        data: { workflowId },
      });
    }
  });

  it('is nothing that a process hears of whose run went elsewhere, without its knowing', async () => {
    const test = await freshDatabase(open);
    const { database, close, held, open: letGo } = holdingAStatement(await test.reopen(), /heartbeat/);
    const { caught, parent, workflows } = waitingParent('stop', { queue: queue('line') });
    const first = await launchEngine(test, { workflows, database, lease: '900ms', queues: ['another line'] });
    const second = await launchEngine(test, { workflows, lease: '900ms' });
    const { executorId } = first;
    await parent.with({ engine: first, workflowId: 'p' }).start();
    await expect.poll(() => untilAborted.waiting).toBeGreaterThan(0);
    close();
    await held;
    await expect.poll(async () => (await second.run('p').status()).attempt).toBe(2);
    await second.run('p').cancel();
    await expect(second.run('p').result()).rejects.toMatchObject({ code: 'PERDURE_CANCELLED' });
    await expect(first.run('child').result()).rejects.toMatchObject({ code: 'PERDURE_CANCELLED' });
    letGo();
    await expect.poll(() => first.executorId).not.toBe(executorId);
    expect(caught).toEqual([]);
  });

  it('lets a workflow that asked for it compensate, also after a crash in the middle', async () => {
    const did: string[] = [];
    const act = step('act', async (what: string) => void did.push(what));
    const booking = workflow(
      'booking',
      async () => {
        await act('reserve');
        try {
          await Promise.all([sleep('30d'), step.run('wait', () => untilAborted(() => did.push('aborted')))]);
        } catch (error) {
          did.push((error as Error).name);
          await act('release');
          await sleep('1h');
          await act('notify');
          throw error;
        }
      },
      { onCancel: 'throw' },
    );
    const engine = await testEngine(await freshDatabase(open), { workflows: [booking] });
    await booking.with({ workflowId: 'b', engine: engine.perdure }).start();
    await expect.poll(() => engine.checkpoints).toBe(2); // reserve, and the beginning of the sleep
    const crashed = engine.crashAfter(2); // the cancellation, release
    // Asked twice, it is told once.
    await Promise.all([engine.perdure.run('b').cancel(), engine.perdure.run('b').cancel()]);
    await crashed;
    await engine.restart();
    await expect(engine.perdure.run('b').result()).rejects.toMatchObject({ code: 'PERDURE_CANCELLED' });
    expect((await engine.perdure.run('b').status()).status).toBe('cancelled');
    expect(did.filter((what) => what !== 'CancelledError')).toEqual(['reserve', 'aborted', 'release', 'notify']);
  });

  it.each(['by its process', 'in a queue', 'by its name'])(
    'lets it compensate that has begun and waits for a process, started %s',
    async (how) => {
      const did: string[] = [];
      const booking = workflow(
        'booking',
        async () => {
          await step.run('reserve', () => void did.push('reserve'));
          await sleep('30d').catch(async (error: unknown) => {
            await step.run('release', () => void did.push('release'));
            throw error;
          });
        },
        { onCancel: 'throw' },
      );
      const test = await freshDatabase(open);
      const first = await launchEngine(test, { workflows: [booking] });
      const client = await connectClient(test);
      const options = { workflowId: 'b', ...(how === 'in a queue' ? { queue: queue('bookings') } : {}) };
      if (how === 'by its name') await client.workflow('booking').with(options).start();
      else await booking.with({ engine: first, ...options }).start();
      await expect.poll(() => did).toEqual(['reserve']);
      await first.shutdown();
      await client.run('b').cancel();
      expect((await client.run('b').status()).status).not.toBe('cancelled');
      const second = await launchEngine(test, { workflows: [booking], database: await test.reopen() });
      await expect(second.run('b').result()).rejects.toMatchObject({ code: 'PERDURE_CANCELLED' });
      expect(did).toEqual(['reserve', 'release']);
    },
  );

  it('ends at once what nobody has begun', async () => {
    const test = await freshDatabase(open);
    await launchEngine(test, { workflows: [] });
    const client = await connectClient(test);
    for (const options of [{}, { queue: 'bookings' }]) {
      const run = await client.workflow('booking').with(options).start();
      await run.cancel();
      expect((await run.status()).status).toBe('cancelled');
    }
  });

  it('begins no step that it has answered, when it comes together with the end of a replay', async () => {
    const test = await freshDatabase(open);
    const did: string[] = [];
    const act = step('act', async (what: string) => void did.push(what));
    const booking = workflow(
      'cancelled in between',
      async () => {
        await act('reserve');
        try {
          await act('charge');
        } finally {
          await act('release');
        }
      },
      { onCancel: 'throw' },
    );
    const engine = await testEngine(test, { workflows: [booking] });
    const crashed = engine.crashAfter(1);
    await booking.with({ workflowId: 'b', engine: engine.perdure }).start();
    await crashed;
    const outside = await testEngine(test, { workflows: [] });
    await outside.perdure.run('b').cancel();
    await engine.restart();
    await expect(engine.perdure.run('b').result()).rejects.toMatchObject({ code: 'PERDURE_CANCELLED' });
    expect(did).toEqual(['reserve', 'release']);
  });

  it('is a recorded call when a workflow asks for it', async () => {
    const victim = workflow('victim', async () => sleep('1d'));
    const killer = workflow('killer', async () => {
      const run = await victim.with({ workflowId: 'v' }).start();
      await run.cancel();
      const { status } = await run.status();
      return [status, await run.result().catch((error: { code: string }) => error.code)];
    });
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [victim, killer] });
    const [, code] = await killer.with({ engine: perdure })();
    expect(code).toBe('PERDURE_CANCELLED');
  });
});

/** The body of a step that ends only when its signal fires. */
async function untilAborted(onAbort: () => void): Promise<void> {
  const signal = currentRun()?.signal;
  untilAborted.waiting += 1;
  await new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }));
  untilAborted.waiting -= 1;
  onAbort();
}
untilAborted.waiting = 0;

/** A workflow that starts a child in the background as soon as it may. */
function hasty(onCancel: 'stop' | 'throw') {
  const mayStart = gate();
  const child = workflow('late child', async () => sleep('1d'));
  const parent = workflow(
    'hasty parent',
    async () => {
      await mayStart.opened;
      await child.with({ workflowId: 'late' }).start();
      await sleep('1d');
    },
    { onCancel },
  );
  return { mayStart, parent, workflows: [parent, child] };
}

/** A workflow that waits for a child, and notes whose cancellation it catches. */
function waitingParent(
  onCancel: 'stop' | 'throw',
  options: StartOptions,
  meet: (child: StartedRun<unknown>) => Promise<void> = async (child) => void (await child.result()),
) {
  const caught: unknown[] = [];
  const child = workflow('awaited child', async () => step.run('wait', () => untilAborted(() => {})));
  const parent = workflow(
    'waiting parent',
    async () => {
      try {
        await meet(await child.with({ workflowId: 'child', ...options }).start());
      } catch (error) {
        caught.push((error as CancelledError).data.workflowId);
        throw error;
      }
    },
    { onCancel },
  );
  return { caught, parent, workflows: [parent, child] };
}
