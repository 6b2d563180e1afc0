import { type Perdure, receive, send, sleep, step, workflow } from '@perdure/core';
import { crash } from '@perdure/core/internal';
import { describe, expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { freshDatabase, launchEngine, testEngine } from '../support/engines.js';
import { losingAReply } from '../support/losing-a-reply.js';
import { upperCase } from '../support/schemas.js';

describe.each(databases)('a message on $name', ({ open }) => {
  it('reaches the run that waits for it, and one that asks later', async () => {
    const approve = workflow('approve', async () => [await receive<string>('yes'), await receive<string>('no')]);
    const engine = await launchEngine(await freshDatabase(open), { workflows: [approve] });
    const run = await approve.with({ engine }).start();
    await send(run, 'no', 'later', { engine });
    await send(run.workflowId, 'yes', { by: 'Ada', at: new Date(0) }, { engine });
    expect(await run.result()).toEqual([{ by: 'Ada', at: new Date(0) }, 'later']);
  });

  it('is received in the order in which it was sent, each topic for itself, each once', async () => {
    const collect = workflow('collect', async (count: number) => {
      const seen: unknown[] = [];
      for (let n = 0; n < count; n += 1) seen.push(await receive('a'));
      return [seen, await Promise.all([receive('b'), receive('b'), receive('b')])];
    });
    const engine = await launchEngine(await freshDatabase(open), { workflows: [collect] });
    const run = await collect.with({ engine }).start(50);
    const numbers = Array.from({ length: 50 }, (_, n) => n);
    await Promise.all(numbers.map((n) => send(run, 'a', n, { engine })));
    for (const name of ['x', 'y', 'z']) await send(run, 'b', name, { engine });
    expect(await run.result()).toEqual([numbers, ['x', 'y', 'z']]);
  });

  it('is received once although the process dies, at whatever checkpoint, and the order stays', async () => {
    const collect = workflow('collect', async () => {
      const seen: unknown[] = [];
      for (let n = 0; n < 4; n += 1) {
        seen.push(await receive('a'));
        await step.run('work', () => n);
      }
      return seen;
    });
    const engine = await testEngine(await freshDatabase(open), { workflows: [collect] });
    const sendAll = async (workflowId: string, perdure: Perdure) => {
      for (const n of [0, 1, 2, 3]) await send(workflowId, 'a', n, { idempotencyKey: `${n}`, engine: perdure });
    };
    for (let checkpoints = 1; checkpoints <= 8; checkpoints += 1) {
      const workflowId = `c${checkpoints}`;
      const { perdure } = engine;
      const crashed = engine.crashAfter(checkpoints);
      await collect.with({ workflowId, engine: perdure }).start();
      await sendAll(workflowId, perdure).catch(() => {});
      await crashed;
      await engine.restart();
      await sendAll(workflowId, engine.perdure).catch(() => {});
      expect(await engine.perdure.run(workflowId).result()).toEqual([0, 1, 2, 3]);
    }
  });

  it('is sent once from a workflow, whenever its process dies', async () => {
    const inbox = workflow('inbox', async () => {
      const seen = [await receive('news'), await receive('news')];
      await expectSilence();
      return seen;
    });
    const expectSilence = async () =>
      await receive('news', { timeout: '1h' }).then(
        () => Promise.reject(new Error('too many')),
        () => {},
      );
    const tell = workflow('tell', async (to: string) => {
      await send(to, 'news', 'first');
      await step.run('between', () => 1);
      await send(to, 'news', 'second');
    });
    const engine = await testEngine(await freshDatabase(open), { workflows: [inbox, tell] });
    for (let checkpoints = 1; checkpoints <= 4; checkpoints += 1) {
      const [to, from] = [`to${checkpoints}`, `from${checkpoints}`];
      const crashed = engine.crashAfter(checkpoints);
      await inbox.with({ workflowId: to, engine: engine.perdure }).start();
      await tell
        .with({ workflowId: from, engine: engine.perdure })
        .start(to)
        .catch(() => {});
      await crashed;
      await engine.restart();
      await tell.with({ workflowId: from, engine: engine.perdure }).start(to);
      expect(await engine.perdure.run(to).result()).toEqual(['first', 'second']);
    }
  });

  it('is sent once from a workflow whose process dies before it has recorded that', async () => {
    const inbox = workflow('inbox', async () => {
      const seen: string[] = [];
      while (seen.at(-1) !== 'end') seen.push(await receive<string>('news'));
      return seen;
    });
    const tell = workflow('tell', async (to: string) => {
      await send(to, 'news', 'first');
      await send(to, 'news', 'second');
    });
    const test = await freshDatabase(open);
    const listening = await launchEngine(test, { workflows: [inbox] });
    const { database, lost } = losingAReply(await test.reopen(), /messages_send/);
    const dying = await launchEngine(test, { workflows: [tell], database, lease: '900ms' });
    const run = await inbox.with({ engine: listening, workflowId: 'to' }).start();
    await tell.with({ engine: dying, workflowId: 'from' }).start('to');
    await lost;
    await dying[crash]();
    const next = await launchEngine(test, { workflows: [tell], database: await test.reopen() });
    await next.run('from').result();
    await next.send('to', 'news', 'end');
    expect(await run.result()).toEqual(['first', 'second', 'end']);
  });

  it('under a key is one message, however often and from wherever it is sent', async () => {
    const collect = workflow('collect', async () => {
      const first = await receive('a');
      return [first, await receive('a', { timeout: '1h' }).catch((error: { code: string }) => error.code)];
    });
    const engine = await testEngine(await freshDatabase(open), { workflows: [collect] });
    const run = await collect.with({ engine: engine.perdure }).start();
    const options = { idempotencyKey: 'k', engine: engine.perdure };
    await Promise.all([send(run, 'a', 1, options), send(run, 'a', 1, options), send(run, 'a', 1, options)]);
    expect(await run.result()).toEqual([1, 'PERDURE_RECEIVE_TIMEOUT']);
    await send(run, 'a', 1, options);
  });

  it('that does not come in time is an error of its own, told from null, and the time counts across a crash', async () => {
    const wait = workflow('wait', async () => {
      const nothing = await receive('a');
      await step.run('after', () => 1);
      try {
        return await receive('b', { timeout: '30d' });
      } catch (error) {
        return [nothing, (error as { code: string }).code];
      }
    });
    const engine = await testEngine(await freshDatabase(open), { workflows: [wait] });
    const before = engine.clock.now();
    const crashed = engine.crashAfter(3);
    await wait.with({ workflowId: 'w', engine: engine.perdure }).start();
    await send('w', 'a', null, { engine: engine.perdure });
    await crashed;
    engine.clock.advance(20 * 24 * 3_600_000);
    await engine.restart();
    expect(await engine.perdure.run('w').result()).toEqual([null, 'PERDURE_RECEIVE_TIMEOUT']);
    expect(Math.floor((engine.clock.now() - before) / (24 * 3_600_000))).toBe(30);
  });

  it('can be raced with a timer and with other topics, and what lost leaves its message to the next', async () => {
    const race = workflow('race', async () => {
      const first = await Promise.race([receive('a'), sleep('1h').then(() => 'slept')]);
      return [first, await receive('a')];
    });
    const engine = await testEngine(await freshDatabase(open), { workflows: [race] });
    const run = await race.with({ engine: engine.perdure }).start();
    await expect.poll(() => engine.checkpoints).toBeGreaterThanOrEqual(2);
    await send(run, 'a', 'one', { engine: engine.perdure });
    await send(run, 'a', 'two', { engine: engine.perdure });
    expect(await run.result()).toEqual(['slept', 'two']);
  });

  it('wakes a run in another process at once, by a hint, and by polling alone', async () => {
    const wait = workflow('wait', async () => await receive('a'));
    const test = await freshDatabase(open);
    await launchEngine(test, { workflows: [wait] });
    const other = await launchEngine(
      { ...test, database: await test.reopen() },
      { workflows: [], notifications: false },
    );
    const run = await wait.with({ engine: other }).start();
    await send(run, 'a', 'hello', { engine: other });
    expect(await run.result()).toBe('hello');
  });

  it('to nobody, or to a run that has ended, is refused', async () => {
    const quick = workflow('quick', async () => 1);
    const engine = await launchEngine(await freshDatabase(open), { workflows: [quick] });
    await expect(send('nobody', 'a', 1, { engine })).rejects.toMatchObject({ code: 'PERDURE_RUN_NOT_FOUND' });
    const run = await quick.with({ engine }).start();
    await run.result();
    await expect(send(run, 'a', 1, { engine })).rejects.toMatchObject({ code: 'PERDURE_RUN_FINISHED' });
    const invalid = { code: 'PERDURE_INVALID_ARGUMENT' };
    for (const [to, topic, idempotencyKey] of [
      ['', 'a', 'k'],
      [run, '', 'k'],
      [run, 'a', 'x'.repeat(300)],
    ] as const) {
      expect(() => send(to, topic, 1, { idempotencyKey, engine })).toThrow(expect.objectContaining(invalid));
    }
    await expect(receive('a')).rejects.toMatchObject(invalid);
    await expect(send(run, 'a', () => {}, { engine })).rejects.toMatchObject({ code: 'PERDURE_UNSUPPORTED_VALUE' });
  });

  it('is checked, and changed, by a schema when it is received; one that does not fit is an error, and taken', async () => {
    const codeOf = (error: { code: string }) => error.code;
    const wait = workflow('wait', async () => {
      const seen: unknown[] = [];
      for (let n = 0; n < 3; n += 1) seen.push(await receive('a', { schema: upperCase }).catch(codeOf));
      return seen;
    });
    const engine = await testEngine(await freshDatabase(open), { workflows: [wait] });
    const crashed = engine.crashAfter(2);
    await wait.with({ workflowId: 'w', engine: engine.perdure }).start();
    await send('w', 'a', 'one', { engine: engine.perdure });
    await send('w', 'a', 2, { engine: engine.perdure });
    await crashed;
    await engine.restart();
    await send('w', 'a', 'three', { engine: engine.perdure });
    expect(await engine.perdure.run('w').result()).toEqual(['ONE', 'PERDURE_INVALID_MESSAGE', 'THREE']);
  });

  it('is sent with a transaction, if and only if that commits', async () => {
    const wait = workflow('wait', async () => await receive('a'));
    const perdure = await launchEngine(await freshDatabase(open), { workflows: [wait] });
    const run = await wait.with({ engine: perdure }).start();
    const tell = async (text: string, fails: boolean) =>
      await perdure.within(() =>
        step.transaction('tell', async (transaction) => {
          await send(run, 'a', text, { transaction });
          if (fails) throw new Error('no');
        }),
      );
    await expect(tell('lost', true)).rejects.toThrow('no');
    await tell('kept', false);
    expect(await run.result()).toBe('kept');
  });

  it('is received again by a workflow that is retried as a whole', async () => {
    let tries = 0;
    const careless = workflow(
      'careless',
      async () => {
        const message = await receive('a');
        tries += 1;
        if (tries === 1) throw new Error('once');
        return message;
      },
      { retries: 1 },
    );
    const engine = await testEngine(await freshDatabase(open), { workflows: [careless] });
    const run = await careless.with({ engine: engine.perdure }).start();
    await send(run, 'a', 'kept', { engine: engine.perdure });
    expect(await run.result()).toBe('kept');
    expect(tries).toBe(2);
  });
});
