import {
  currentRun,
  readStream,
  type ReadStreamOptions,
  receive,
  select,
  send,
  step,
  stream,
  type StreamItem,
  workflow,
} from '@perdure/core';
import { describe, expect, it } from 'vitest';
import { databases } from '../support/databases.js';
import { freshDatabase, launchEngine, testEngine } from '../support/engines.js';

async function all<T>(run: string, name: string, options: ReadStreamOptions<T>): Promise<StreamItem<T>[]> {
  const items: StreamItem<T>[] = [];
  for await (const item of readStream<T>(run, name, options)) items.push(item);
  return items;
}

/** What a reader is left with who takes back what is rolled back; fails if an offset comes twice or out of order. */
function kept<T>(items: readonly StreamItem<T>[]): T[] {
  const values = new Map<number, T>();
  let latest = -1;
  for (const item of items) {
    expect(item.offset).toBeGreaterThan(latest);
    latest = item.offset;
    if (item.kind === 'value') values.set(item.offset, item.value);
    else for (const { first, last } of item.discarded) for (let no = first; no <= last; no += 1) values.delete(no);
  }
  return [...values.values()];
}

const value = <T>(offset: number, given: T) => ({ kind: 'value', offset, value: given });

describe.each(databases)('a stream on $name', ({ open }) => {
  it('has what a workflow and its steps append, without gaps, from any offset, until it is closed', async () => {
    const writing = workflow('writing', async () => {
      const lines = stream('lines');
      await lines.append('one', { two: 2 });
      await step.run('more', async () => {
        for (const n of [3, 4]) void lines.append(n);
        await lines.append(undefined);
      });
      void lines.append(6);
      await lines.close();
      await receive('end');
    });
    const engine = await launchEngine(await freshDatabase(open), { workflows: [writing] });
    const { workflowId } = await writing.with({ engine }).start();
    const written = ['one', { two: 2 }, 3, 4, undefined, 6].map((given, offset) => value(offset, given));
    expect(await all(workflowId, 'lines', { engine })).toEqual(written);
    expect(await all(workflowId, 'lines', { engine, from: 4 })).toEqual(written.slice(4));
    await send(workflowId, 'end', null, { engine });
    await engine.run(workflowId).result();
    expect(await all(workflowId, 'lines', { engine, from: 1 })).toEqual(written.slice(1));
    expect(await all(workflowId, 'lines', { engine, from: 100 })).toEqual([]);
  });

  it('is read in another process while it is written, and ends with the run where nobody closes it', async () => {
    const ticking = workflow('ticking', async () => {
      const ticks = stream<number>('ticks');
      await step.run('first', () => ticks.append(0));
      for (let n = 1; n < 4; n += 1) {
        await receive('go');
        await ticks.append(n);
      }
    });
    const test = await freshDatabase(open);
    const engine = await launchEngine(test, { workflows: [ticking] });
    const other = await launchEngine({ ...test, database: await test.reopen() }, { workflows: [] });
    const { workflowId } = await ticking.with({ engine }).start();
    const seen: unknown[] = [];
    for await (const item of other.readStream<number>(workflowId, 'ticks')) {
      seen.push(item);
      await send(workflowId, 'go', null, { engine: other }).catch(() => {});
    }
    expect(seen).toEqual([0, 1, 2, 3].map((n) => value(n, n)));
  });

  it('is read to its end where it is longer than one answer', async () => {
    const count = 1_203;
    const long = workflow('long', async () => {
      const numbers = stream<number>('numbers');
      await step.run('count', async () => {
        for (let n = 0; n < count; n += 1) void numbers.append(n);
      });
    });
    const engine = await launchEngine(await freshDatabase(open), { workflows: [long] });
    const run = await long.with({ engine }).start();
    await run.result();
    const items = await all(run.workflowId, 'numbers', { engine });
    expect(items).toEqual(Array.from({ length: count }, (_, n) => value(n, n)));
  });

  it('gets of a step only what its successful try appended, and tells whoever has read the rest', async () => {
    const read: unknown[] = [];
    const failing = workflow('failing', async () => {
      const tokens = stream<string>('tokens');
      await tokens.append('before');
      await step.run(
        'generate',
        async () => {
          const { attempt } = currentRun()!.step!;
          await tokens.append(`${attempt} a`, `${attempt} b`);
          await expect.poll(() => read.length).toBeGreaterThanOrEqual(attempt === 1 ? 3 : 6);
          if (attempt === 1) throw new Error('again');
        },
        { retries: 1, backoff: { initial: 1 } },
      );
      await tokens.append('after');
      const lost = async (): Promise<void> => {
        await tokens.append('never');
        void tokens.append('not even stored');
        throw new Error('no');
      };
      await step.run('fail', lost, { retries: 0 }).catch(() => {});
      await tokens.close();
    });
    const engine = await launchEngine(await freshDatabase(open), { workflows: [failing] });
    const { workflowId } = await failing.with({ engine }).start();
    for await (const item of readStream(workflowId, 'tokens', { engine })) read.push(item);
    expect(read.slice(0, 7)).toEqual([
      value(0, 'before'),
      value(1, '1 a'),
      value(2, '1 b'),
      { kind: 'rollback', offset: 3, discarded: [{ first: 1, last: 2 }] },
      value(4, '2 a'),
      value(5, '2 b'),
      value(6, 'after'),
    ]);
    const settled = ['before', '2 a', '2 b', 'after'];
    expect(kept(read as StreamItem<string>[])).toEqual(settled);
    const late = await all<string>(workflowId, 'tokens', { engine });
    expect(late.map((item) => item.kind)).toEqual(['value', 'value', 'value', 'value']);
    expect(kept(late)).toEqual(settled);
    // Who left before the rollback hears of it when it comes back.
    const [first] = await all(workflowId, 'tokens', { engine, from: 2 });
    expect(first).toEqual({ kind: 'rollback', offset: 3, discarded: [{ first: 1, last: 2 }] });
  });

  it('keeps apart what goes into several streams, and what parallel steps take back', async () => {
    const parallel = workflow('parallel', async () => {
      const both = stream<string>('both');
      const write = (name: string, failures: number): Promise<void> =>
        step.run(
          name,
          async () => {
            const { attempt } = currentRun()!.step!;
            for (let n = 0; n < 5; n += 1) {
              await both.append(`${name} ${attempt} ${n}`);
              await stream(name).append(n);
            }
            if (attempt <= failures) throw new Error('again');
          },
          { retries: 3, backoff: { initial: 1 } },
        );
      await Promise.all([write('a', 2), write('b', 0), write('c', 1)]);
    });
    const engine = await launchEngine(await freshDatabase(open), { workflows: [parallel] });
    const run = await parallel.with({ engine }).start();
    const live = await all<string>(run.workflowId, 'both', { engine });
    await run.result();
    const expected = ['a 3', 'b 1', 'c 2'].flatMap((name) => [0, 1, 2, 3, 4].map((n) => `${name} ${n}`));
    expect(kept(live).toSorted()).toEqual(expected);
    expect(kept(await all<string>(run.workflowId, 'both', { engine })).toSorted()).toEqual(expected);
    for (const name of ['a', 'b', 'c']) {
      expect(kept(await all(run.workflowId, name, { engine }))).toEqual([0, 1, 2, 3, 4]);
    }
  });

  it('loses, repeats and misplaces nothing, at whatever checkpoint the process dies', async () => {
    const writing = workflow('writing', async () => {
      const log = stream<string>('log');
      await log.append('one');
      await step.run('two', () => log.append('two'));
      await log.append('three', 'four');
      await step.run('five', () => log.append('five'));
      await log.close();
      return await step.run('after', () => 'after');
    });
    const test = await freshDatabase(open);
    const engine = await testEngine(test, { workflows: [writing] });
    for (const checkpoints of [1, 2, 3, 4, 5, 6]) {
      const workflowId = `writing ${checkpoints}`;
      const crashed = engine.crashAfter(checkpoints);
      await writing.with({ workflowId, engine: engine.perdure }).start();
      await crashed;
      await engine.restart();
      expect(await engine.perdure.run(workflowId).result()).toBe('after');
      const items = await all<string>(workflowId, 'log', { engine: engine.perdure });
      expect(kept(items)).toEqual(['one', 'two', 'three', 'four', 'five']);
    }
  });

  it('takes back what a step had written when its process died, also to a stream that the next try leaves alone', async () => {
    let tries = 0;
    const begun: string[] = [];
    const dying = workflow('dying', async () => {
      await step.run('before', () => 1);
      await step.run('write', async () => {
        tries += 1;
        if (tries > 1) return;
        await stream('out').append('lost 1', 'lost 2');
        begun.push(currentRun()!.workflowId);
        await new Promise(() => {});
      });
      await stream('out').append('kept');
    });
    const test = await freshDatabase(open);
    const first = await testEngine(test, { workflows: [dying] });
    const { workflowId } = await dying.with({ engine: first.perdure }).start();
    await expect.poll(() => begun).toEqual([workflowId]);
    const [seen] = [await readStream(workflowId, 'out', { engine: first.perdure }).next()];
    expect(seen.value).toEqual(value(0, 'lost 1'));
    await first.crash();
    await first.restart();
    await first.perdure.run(workflowId).result();
    expect(await all(workflowId, 'out', { engine: first.perdure })).toEqual([value(3, 'kept')]);
    expect(await all(workflowId, 'out', { engine: first.perdure, from: 1 })).toEqual([
      { kind: 'rollback', offset: 2, discarded: [{ first: 0, last: 1 }] },
      value(3, 'kept'),
    ]);
  });

  it('begins anew where the whole workflow does', async () => {
    let tries = 0;
    const retried = workflow(
      'retried',
      async () => {
        tries += 1;
        const out = stream<string>('out');
        await out.append(`try ${tries}`);
        await step.run('step', () => out.append(`step of ${tries}`));
        await out.close();
        if (tries === 1) throw new Error('again');
      },
      { retries: 1, backoff: { initial: 1 } },
    );
    const engine = await launchEngine(await freshDatabase(open), { workflows: [retried] });
    const run = await retried.with({ engine }).start();
    await run.result();
    expect(kept(await all(run.workflowId, 'out', { engine }))).toEqual(['try 2', 'step of 2']);
  });

  it('takes back what a step has written that lost a select', async () => {
    const raced = workflow('raced', async () => {
      const out = stream<string>('out');
      await select({
        slow: () =>
          step.run('slow', async () => {
            await out.append('slow');
            await new Promise(() => {});
          }),
        quick: () => receive('quick'),
      });
      await out.append('after');
    });
    const engine = await launchEngine(await freshDatabase(open), { workflows: [raced] });
    const run = await raced.with({ engine }).start();
    const items: StreamItem<string>[] = [];
    for await (const item of readStream<string>(run, 'out', { engine })) {
      if (items.push(item) === 1) await send(run, 'quick', null, { engine });
    }
    expect(kept(items)).toEqual(['after']);
    expect(items).toHaveLength(3);
  });

  it('goes on where it was when the run has been out of memory', async () => {
    let tries = 0;
    const parked = workflow(
      'parked',
      async () => {
        tries += 1;
        const out = stream<string>('out');
        await out.append(`${tries} one`);
        await step.run('two', () => out.append(`${tries} two`));
        await receive('go');
        await out.append(`${tries} three`);
        if (tries === 2) throw new Error('again');
      },
      { retries: 1, backoff: { initial: 1 } },
    );
    const engine = await launchEngine(await freshDatabase(open), { workflows: [parked], parkAfter: '100ms' });
    const { workflowId } = await parked.with({ engine }).start();
    const items: StreamItem<string>[] = [];
    const reading = (async () => {
      for await (const item of readStream<string>(workflowId, 'out', { engine })) items.push(item);
    })();
    await expect.poll(() => items.length).toBe(2);
    await expect.poll(() => engine.health().runs).toBe(0);
    await send(workflowId, 'go', null, { engine });
    await engine.run(workflowId).result();
    await reading;
    // The function was called for the first try, for its replay, and for the second try.
    expect(tries).toBe(3);
    expect(kept(items)).toEqual(['3 one', '3 two', '3 three']);
    expect(items.map(({ kind }) => kind).filter((kind) => kind === 'rollback')).toHaveLength(1);
  });

  it('stops being read when nobody wants it any more', async () => {
    const waiting = workflow('waiting', async () => {
      await stream('out').append(1);
      await receive('end');
    });
    const engine = await launchEngine(await freshDatabase(open), { workflows: [waiting] });
    const { workflowId } = await waiting.with({ engine }).start();
    const controller = new AbortController();
    const seen: unknown[] = [];
    for await (const item of readStream(workflowId, 'out', { signal: controller.signal, engine })) {
      seen.push(item);
      controller.abort();
    }
    expect(seen).toEqual([value(0, 1)]);
    expect(await all(workflowId, 'out', { signal: AbortSignal.abort(), engine })).toEqual([]);
  });

  it('says what is wrong', async () => {
    const wrong = workflow('wrong', async () => {
      const codes: unknown[] = [];
      const code = (error: { code: string }): unknown => codes.push(error.code);
      const out = stream('out');
      await out.append(() => 1).catch(code);
      await step.run('function', () => out.append(() => 1), { retries: 0 }).catch(code);
      await step.transaction('transaction', () => out.append(1), { retries: 0 }).catch(code);
      await readStream('wrong', 'out').next().catch(code);
      await out.close();
      await out.append(1).catch(code);
      await step.run('closed', () => out.append(1), { retries: 0 }).catch(code);
      await out.close();
      return codes;
    });
    const engine = await launchEngine(await freshDatabase(open), { workflows: [wrong] });
    const invalid = 'PERDURE_INVALID_ARGUMENT';
    const unsupported = 'PERDURE_UNSUPPORTED_VALUE';
    const codes = [unsupported, unsupported, invalid, invalid, invalid, invalid];
    expect(await wrong.with({ engine })()).toEqual(codes);
    await expect(stream('out').append(1)).rejects.toMatchObject({ code: invalid });
    expect(() => stream('')).toThrow(expect.objectContaining({ code: invalid }));
    await expect(readStream('a', 'out', { from: -1, engine }).next()).rejects.toMatchObject({ code: invalid });
    await expect(readStream('nobody', 'out', { engine }).next()).rejects.toMatchObject({
      code: 'PERDURE_RUN_NOT_FOUND',
    });
  });
});
