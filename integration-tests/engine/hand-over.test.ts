import { randomUUID } from 'node:crypto';
import { currentRun, receive, sleep, step, workflow } from '@perdure/core';
import { createStore, type Database, launch, type Row, type Statement, type Timer } from '@perdure/core/internal';
import { describe, expect, it } from 'vitest';
import { SystemClock } from '../../packages/core/src/seams/system-clock.js';
import { databases, type TestDatabase } from '../support/databases.js';
import { afterThisTest, freshDatabase, launchEngine } from '../support/engines.js';
import { laneOptions } from '../support/lanes.js';
import { passOn } from '../support/pass-on.js';

/** With such a lease, nobody takes a run over in time unless it is handed over. */
const lease = '1h';

describe.each(databases)('a shutdown on $name', ({ open }) => {
  it('hands the runs over at once: what ended within the drain is not repeated, and no crash is counted', async () => {
    const test = await freshDatabase(open);
    const begun: string[] = [];
    const gate = makeGate();
    const seen: unknown[] = [];
    const child = workflow('child', async () => await step.run('in child', () => begun.push('child')));
    const parent = workflow('parent', async () => {
      try {
        await step.run('slow', async () => {
          begun.push('slow');
          await gate.opened;
        });
        // Reached while the first engine drains: started there, continued in the second.
        await child();
        await step.run('after', () => void begun.push('after'));
        await sleep(5);
      } catch (error) {
        seen.push(error);
        throw error;
      }
      return 'done';
    });
    const options = { workflows: [parent, child], lease };
    const first = await launchEngine(test, options);
    const second = await launchEngine(test, { ...options, database: await test.reopen() });
    const run = await parent.with({ workflowId: 'p', engine: first }).start();
    await expect.poll(() => begun).toEqual(['slow']);
    const waiting = run.result().catch((error: { code: string }) => error.code);

    const stopped = first.shutdown({ drainMs: '10s' });
    await expect(parent.with({ engine: first }).start()).rejects.toMatchObject({ code: 'PERDURE_ENGINE_STOPPED' });
    gate.open();
    await stopped;
    expect(await waiting).toBe('PERDURE_ENGINE_STOPPED');

    expect(await second.run('p').result()).toBe('done');
    expect(begun).toEqual(['slow', 'child', 'after']);
    expect(seen).toEqual([]);
    expect(await second.run('p').status()).toMatchObject({ attempt: 2, crashes: [] });
  });

  it('serves a step that is under way to its end, also where it names the engine', async () => {
    const test = await freshDatabase(open);
    const begun: string[] = [];
    const gate = makeGate();
    const echo = workflow('echo', async (said: string) => `${said}, attempt ${currentRun()?.attempt}`);
    const listener = workflow('listener', async () => await receive('word'));
    const caller = workflow('caller', async () =>
      step.run('call', async () => {
        begun.push(`attempt ${currentRun()?.attempt}`);
        await gate.opened;
        await first.send('listener', 'word', 'hello');
        const run = await echo.with({ engine: first, workflowId: 'echo' }).start('started');
        const named = await first.workflow<typeof echo>('echo').with({ workflowId: 'by name' }).start('by name');
        return [await run.result(), await first.run('by name').result(), (await named.status()).status];
      }),
    );
    const options = { workflows: [echo, listener, caller], lease };
    const first = await launchEngine(test, options);
    const second = await launchEngine(test, { ...options, database: await test.reopen() });
    const heard = listener.with({ workflowId: 'listener', engine: second })();
    await caller.with({ workflowId: 'caller', engine: first }).start();
    await expect.poll(() => begun).toEqual(['attempt 1']);
    await expect.poll(async () => (await second.run('listener').status()).status).toBe('running');

    const stopped = first.shutdown({ drainMs: '10s' });
    await expect(first.send('listener', 'word', 'outside')).rejects.toMatchObject({ code: 'PERDURE_ENGINE_STOPPED' });
    gate.open();
    await stopped;
    expect(await second.run('caller').result()).toEqual(['started, attempt 1', 'by name, attempt 1', 'completed']);
    expect(await heard).toBe('hello');
    expect(begun).toEqual(['attempt 1']);
  });

  it('begins no step while a claim that is under way ends, however long that takes', async () => {
    const test = await freshDatabase(open);
    const [claiming, answered, stepping] = [makeGate(), makeGate(), makeGate()];
    let isHeld = false;
    const database: Database = {
      ...passOn(test.database),
      async query<R extends Row>(statement: Statement) {
        if (isHeld && statement.name.endsWith('claims_take')) {
          claiming.open();
          await answered.opened;
        }
        return await test.database.query<R>(statement);
      },
    };
    const begun: string[] = [];
    const twoSteps = workflow('two steps', async () => {
      await step.run('first', async () => {
        begun.push(`first, attempt ${currentRun()?.attempt}`);
        await stepping.opened;
      });
      await step.run('second', () => void begun.push(`second, attempt ${currentRun()?.attempt}`));
    });
    const options = { workflows: [twoSteps], lease };
    const first = await launchEngine(test, { ...options, database, poll: '20ms' });
    await twoSteps.with({ workflowId: 'r', engine: first }).start();
    await expect.poll(() => begun).toEqual(['first, attempt 1']);
    isHeld = true;
    await claiming.opened;

    const stopped = first.shutdown({ drainMs: '10s' });
    stepping.open();
    const { runs } = createStore(test.database, test.schema);
    await expect.poll(async () => (await runs.loadHistories(['r'])).get('r')?.length ?? 0).toBeGreaterThan(0);
    answered.open();
    await stopped;
    const second = await launchEngine(test, { ...options, database: await test.reopen() });
    await second.run('r').result();
    expect(begun).toEqual(['first, attempt 1', 'second, attempt 2']);
  });

  it('leaves no executor behind that was about to take the place of one that lost its lease', async () => {
    const test = await freshDatabase(open);
    const [gate, registering] = [makeGate(), makeGate()];
    let registrations = 0;
    const database: Database = {
      ...passOn(test.database),
      async query<R extends Row>(statement: Statement) {
        if (statement.name.endsWith('executors_register') && ++registrations > 1) {
          registering.open();
          await gate.opened;
        }
        return await test.database.query<R>(statement);
      },
    };
    const engine = await launchEngine(test, { database, workflows: [], lease: '1s' });
    const { executors } = createStore(test.database, test.schema);
    await executors.revokeLapsed({ exceptId: randomUUID(), now: Date.now() + 3_600_000 });
    await registering.opened;
    const stopped = engine.shutdown();
    gate.open();
    await stopped;
    const text = `select executor_id from "${test.schema}".leases`;
    expect(await test.database.query({ name: text, text, values: [] })).toEqual([]);
    expect(engine.executorId).toBeNull();
  });

  it('does not wait longer than it may: the step under way is told, and runs again elsewhere', async () => {
    const test = await freshDatabase(open);
    const events: string[] = [];
    const stuck = workflow('stuck', async () =>
      step.run('stuck', async () => {
        events.push('begun');
        if (events.length > 1) return 'second try';
        return await new Promise<string>(() => {});
      }),
    );
    const first = await launchEngine(test, { workflows: [stuck], lease });
    await stuck.with({ workflowId: 's', engine: first }).start();
    await expect.poll(() => events).toEqual(['begun']);
    await first.shutdown({ drainMs: 20 });
    const second = await launchEngine(test, { workflows: [stuck], lease, database: await test.reopen() });
    expect(await second.run('s').result()).toBe('second try');
    expect(events).toEqual(['begun', 'begun']);
  });

  it('keeps no process for the pause before another try of a step that was told', async () => {
    const clock = new CountingClock();
    const events: string[] = [];
    const told = workflow('told', async () =>
      step.run(
        'told',
        async () => {
          const { signal } = currentRun()!;
          events.push('begun');
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          events.push('told');
          throw new Error('told');
        },
        { retries: 1, backoff: { initial: '1h' } },
      ),
    );
    const engine = await launch({ ...laneOptions, ...(await freshDatabase(open)), workflows: [told], clock });
    afterThisTest(() => engine.shutdown({ drainMs: 0 }));
    await told.with({ engine }).start();
    await expect.poll(() => events).toEqual(['begun']);
    await engine.shutdown({ drainMs: 20 });
    expect(events).toEqual(['begun', 'told']);
    expect(clock.underWay).toBe(0);
  });

  it('leaves nothing behind in the database, and may be asked for twice', async () => {
    const test = await freshDatabase(open);
    const perdure = await launchEngine(test, { workflows: [], lease });
    expect(await executors(test)).toBe(1);
    await Promise.all([perdure.shutdown(), perdure.shutdown()]);
    expect(await executors(test)).toBe(0);
  });
});

/** Knows how many timers would keep the process. */
class CountingClock extends SystemClock {
  underWay = 0;

  override setTimer(delayMs: number, fire: () => void): Timer {
    let isOver = false;
    const over = (): void => {
      if (!isOver) this.underWay -= 1;
      isOver = true;
    };
    this.underWay += 1;
    const timer = super.setTimer(delayMs, () => {
      over();
      fire();
    });
    return {
      cancel: () => {
        over();
        timer.cancel();
      },
    };
  }
}

function makeGate(): { opened: Promise<void>; open(): void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open: () => open() };
}

async function executors({ database, schema }: TestDatabase): Promise<number> {
  const rows = await database.query({
    name: `test_executors_${schema}`,
    text: `select id from "${schema}".executors`,
    values: [],
  });
  return rows.length;
}
