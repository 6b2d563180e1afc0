import {
  getEvent,
  patched,
  type Perdure,
  queue,
  type RunFilter,
  send,
  step,
  workflow,
  type WorkflowOptions,
} from '@perdure/core';
import type { TestDatabase } from '../support/databases.js';
import { isDeepStrictEqual } from 'node:util';
import { launchEngine } from '../support/engines.js';

/** What a row of the table comes to: what was thrown, each time that it was tried; nothing for what is no error. */
export type LimitCase = (test: TestDatabase) => Promise<readonly unknown[]>;

const badNames = ['', ' ', '\u200B', 'x'.repeat(256), 'ü'.repeat(128), 'a\nb', 'a\0b', '\uD800'];

/** Every way to hand over something that does not hold. */
export const givenValues: Readonly<Record<string, LimitCase>> = {
  'A workflow id, or the name of a workflow, step, version or queue, that is empty, longer than 255 bytes, or holds control characters or broken surrogates':
    async (test) => {
      const echo = workflow('echo', async () => 1);
      const perdure = await launchEngine(test, { workflows: [echo] });
      const errors: unknown[] = [];
      for (const name of badNames) {
        errors.push(await thrown(() => echo.with({ workflowId: name, engine: perdure }).start()));
        errors.push(await thrown(async () => workflow(name, async () => {})));
        errors.push(await thrown(async () => workflow('fine', async () => {}, { version: name })));
        errors.push(await thrown(async () => step(name, async () => {})));
        errors.push(await thrown(async () => queue(name)));
      }
      return errors;
    },

  'A topic, a key, an idempotency key or a deduplication id of that kind, or a name of a schedule that is longer than 200 bytes or of that kind':
    async (test) => {
      const echo = workflow('echo', async () => 1);
      const engine = await launchEngine(test, { workflows: [echo] });
      const errors: unknown[] = [];
      for (const name of badNames) {
        errors.push(await thrown(async () => send('a', name, null, { engine })));
        errors.push(await thrown(async () => send('a', 'topic', null, { idempotencyKey: name, engine })));
        errors.push(await thrown(async () => getEvent('a', name, { engine })));
        errors.push(
          await thrown(async () => echo.with({ queue: 'queue', deduplication: { id: name }, engine }).start()),
        );
        const timing = { every: '1h' };
        for (const schedule of [name, 'x'.repeat(201)]) {
          errors.push(await thrown(async () => engine.schedules.set(schedule, { timing, workflow: echo })));
        }
      }
      return errors;
    },

  'A duration, a deadline, or a number of an option that is none': async (test) => {
    const echo = workflow('echo', async () => 1);
    const perdure = await launchEngine(test, { workflows: [echo] });
    const errors: unknown[] = [];
    for (const timeout of [-1, NaN, Infinity, 'soon', '', '1 fortnight']) {
      errors.push(await thrown(() => echo.with({ timeout, engine: perdure }).start()));
      errors.push(await thrown(async () => step('slow', async () => {}, { timeout })));
      errors.push(await thrown(() => launchEngine(test, { lease: timeout })));
    }
    errors.push(await thrown(() => echo.with({ deadline: new Date(NaN), engine: perdure }).start()));
    for (const option of ['maxRuns', 'maxCrashes', 'maxPayloadBytes', 'maxBacklogBytes']) {
      for (const value of [0, -1, 0.5, NaN]) errors.push(await thrown(() => launchEngine(test, { [option]: value })));
    }
    return errors;
  },

  "An input that the workflow's schema refuses": async (test) => {
    const schema: WorkflowOptions['input'] = {
      '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: [{ message: 'must be a number' }] }) },
    };
    const strict = workflow('strict', async (n: unknown) => n, { input: schema });
    const perdure = await launchEngine(test, { workflows: [strict] });
    return [await thrown(() => strict.with({ engine: perdure }).start('one'))];
  },

  'A value that cannot be stored, such as a function, a symbol, a promise or a key `__proto__`, as an input or a result':
    async (test) => {
      const echo = workflow('echo', async (value: unknown) => value);
      const made: Record<string, () => unknown> = {
        function: () => () => {},
        symbol: () => ({ deep: [Symbol('s')] }),
        promise: () => Promise.resolve(1),
        prototype: () => JSON.parse('{"__proto__": {"polluted": true}}') as unknown,
        throwing: () => ({
          get hostile(): never {
            throw new Error('hostile');
          },
        }),
      };
      const give = workflow('give', async (what: string) => await step.run('give', () => made[what]!()));
      const perdure = await launchEngine(test, { workflows: [echo, give] });
      const errors: unknown[] = [];
      for (const what of Object.keys(made)) {
        errors.push(await thrown(() => echo.with({ engine: perdure }).start(made[what]!())));
        // A step that returns a promise is one that is awaited.
        if (what !== 'promise') errors.push(await thrown(() => give.with({ engine: perdure })(what)));
      }
      return errors;
    },

  'A value that is nested more than 500 levels deep': async (test) => {
    const echo = workflow('echo', async (value: unknown) => value);
    const perdure = await launchEngine(test, { workflows: [echo] });
    let deep: unknown = 'bottom';
    for (let level = 0; level < 100_000; level += 1) deep = [deep];
    return [await thrown(() => echo.with({ engine: perdure }).start(deep))];
  },

  'A value with cycles, `Map`, `Set`, `Date`, `bigint`, typed arrays, `undefined`, hostile keys such as `toString`, or 400 levels deep':
    async (test) => {
      const cycle: Record<string, unknown> = { name: 'loop' };
      cycle['self'] = cycle;
      let deep: unknown = 'bottom';
      for (let level = 0; level < 400; level += 1) deep = { deep };
      const values = {
        cycle,
        deep,
        map: new Map([[{ key: 1 }, new Set([1n, undefined])]]),
        date: new Date(0),
        bytes: new Uint8Array([1, 2, 3]),
        hostile: JSON.parse('{"constructor": 1, "$type": "x", "toString": 2}') as unknown,
      };
      const same = workflow('same', async (given: unknown) => await step.run('same', () => given));
      const perdure = await launchEngine(test, { workflows: [same] });
      const result = await same.with({ engine: perdure })(values);
      assertEqual(result, values);
      return [];
    },

  'A value that is encoded larger than `maxPayloadBytes` (2 MiB)': async (test) => {
    const big = (): string => 'x'.repeat(2 * 1024 * 1024);
    const echo = workflow('echo', async (text: string) => text);
    const grow = workflow('grow', async () => await step.run('grow', big));
    const end = workflow('end', async () => big());
    const perdure = await launchEngine(test, { workflows: [echo, grow, end] });
    return [
      await thrown(() => echo.with({ engine: perdure }).start(big())),
      await thrown(() => grow.with({ engine: perdure })()),
      await thrown(() => end.with({ engine: perdure })()),
    ];
  },

  'A stored value that cannot be read any more, because somebody changed it': async (test) => {
    const echo = workflow('echo', async (text: string) => text);
    const perdure = await launchEngine(test, { workflows: [echo] });
    await echo.with({ workflowId: 'changed', engine: perdure })('fine');
    await test.administer(`update "${test.schema}".outcomes set payload = '{"not":'`);
    const other = await launchEngine({ ...test, database: await test.reopen() }, { workflows: [] });
    return [await thrown(() => other.run('changed').result())];
  },

  'A workflow id with another input or fingerprint, or for another workflow': async (test) => {
    const echo = workflow('echo', async (text: string) => text);
    const other = workflow('other', async (text: string) => text);
    const perdure = await launchEngine(test, { workflows: [echo, other] });
    const options = { workflowId: 'taken', engine: perdure };
    await echo.with(options)('a');
    return [await thrown(() => echo.with(options).start('b')), await thrown(() => other.with(options).start('a'))];
  },

  'An id that no run has': async (test) => {
    const perdure = await launchEngine(test, { workflows: [] });
    const run = perdure.run('nobody');
    return [await thrown(() => run.result()), await thrown(() => run.status()), await thrown(() => run.cancel())];
  },

  'A run whose workflow, or version of it, no living process knows': async (test) => {
    const define = (version: string) => workflow('known', async () => version, { version });
    const first = define('1');
    const perdure = await launchEngine(test, { workflows: [first] });
    const closed = queue('closed');
    await perdure.queues.pause('closed');
    const run = await closed.with({ engine: perdure }).enqueue(first);
    await perdure.shutdown();
    const later = await relaunch(test, [define('2')]);
    await later.queues.resume('closed');
    assertEqual((await later.run(run.workflowId).status()).status, 'enqueued');
    const right = await relaunch(test, [first]);
    assertEqual(await right.run(run.workflowId).result(), '1');
    return [];
  },

  'A history of thousands of steps': async (test) => {
    const long = workflow('long', async (steps: number) => {
      let sum = 0;
      for (let n = 0; n < steps; n += 10) {
        const tens = Array.from({ length: 10 }, (_, i) => step.run('add', () => n + i));
        sum += (await Promise.all(tens)).reduce((a, b) => a + b);
      }
      return sum;
    });
    const perdure = await launchEngine(test, { workflows: [long] });
    assertEqual(await long.with({ engine: perdure })(3_000), (2_999 * 3_000) / 2);
    return [];
  },

  'A queue that nobody declared': async (test) => {
    const echo = workflow('echo', async () => 1);
    const perdure = await launchEngine(test, { workflows: [echo] });
    return [
      await thrown(() => echo.with({ queue: 'nowhere', engine: perdure }).start()),
      await thrown(() => perdure.queues.get('nowhere')),
    ];
  },

  'The id of a patch of that kind, and a patch that a step asks for': async (test) => {
    const asking = workflow('asking', async () => await step.run('ask', () => patched('patch')));
    const perdure = await launchEngine(test, { workflows: [asking] });
    return [
      ...(await Promise.all(badNames.map(async (id) => await thrown(async () => patched(id))))),
      await thrown(() => asking.with({ engine: perdure })()),
    ];
  },

  'A version that no process has had, or a rollback where none is promoted': async (test) => {
    const perdure = await launchEngine(test, { workflows: [] });
    return [
      await thrown(() => perdure.versions.promote('echo', '1')),
      await thrown(() => perdure.versions.rollBack('echo')),
    ];
  },

  'A deduplication id that another unfinished run has': async (test) => {
    const echo = workflow('echo', async () => 1);
    const once = queue('once');
    const perdure = await launchEngine(test, { workflows: [echo] });
    await perdure.queues.pause('once');
    const bound = once.with({ deduplication: { id: 'a' }, engine: perdure });
    await bound.enqueue(echo);
    return [await thrown(() => bound.enqueue(echo))];
  },

  'Attributes that are no texts, numbers or booleans, or take more than 8 KiB': async (test) => {
    const echo = workflow('echo', async () => 1);
    const engine = await launchEngine(test, { workflows: [echo] });
    const errors: unknown[] = [];
    for (const attributes of [{ a: {} }, { a: null }, { a: NaN }, { a: '\0' }, { a: 'x'.repeat(8_192) }] as never[]) {
      errors.push(await thrown(() => echo.with({ engine, attributes }).start()));
    }
    return errors;
  },

  'A filter of runs that is none, or that is empty where something is to be done to all that it finds': async (
    test,
  ) => {
    const { runs } = await launchEngine(test, { workflows: [] });
    const errors: unknown[] = [];
    for (const empty of [
      {},
      { name: undefined },
      { idPrefix: '' },
      { attributes: {} },
      { idPrefix: '', attributes: {} },
    ]) {
      for (const verb of ['cancel', 'delete', 'forkAll'] as const) {
        errors.push(await thrown(() => runs[verb](empty as RunFilter)));
      }
    }
    for (const filter of [{ colour: 'red' }, { status: 'broken' }, { createdFrom: 'yesterday' }] as never[]) {
      errors.push(await thrown(() => runs.list(filter)));
    }
    return errors;
  },

  'A fork at a call that its source has not made': async (test) => {
    const echo = workflow('echo', async () => 1);
    const engine = await launchEngine(test, { workflows: [echo] });
    await echo.with({ engine, workflowId: 'source' })();
    const { runs } = engine;
    return [
      await thrown(() => runs.fork('source', { from: 1 })),
      await thrown(() => runs.fork('source', { from: { step: 'none' } })),
    ];
  },

  'A fork under the id of another run': async (test) => {
    const echo = workflow('echo', async () => 1);
    const engine = await launchEngine(test, { workflows: [echo] });
    for (const workflowId of ['source', 'other']) await echo.with({ engine, workflowId })();
    return [await thrown(() => engine.runs.fork('source', { workflowId: 'other' }))];
  },

  'A rule of retention that limits nothing, or an archive that is none': async (test) => {
    const { runs } = await launchEngine(test, { workflows: [] });
    return [
      await thrown(() => runs.prune([{}])),
      await thrown(() => launchEngine(test, { retention: [{ keep: 1 }] })),
      await thrown(() => runs.import({} as never)),
    ];
  },

  'A question or a start after `shutdown()`': async (test) => {
    const echo = workflow('echo', async () => 1);
    const perdure = await launchEngine(test, { workflows: [echo] });
    await perdure.shutdown();
    return [
      await thrown(() => echo.with({ engine: perdure }).start()),
      await thrown(() => perdure.run('some').result()),
    ];
  },
};

async function relaunch(
  test: TestDatabase,
  workflows: readonly ReturnType<typeof workflow<[], unknown>>[],
): Promise<Perdure> {
  return await launchEngine({ ...test, database: await test.reopen() }, { workflows });
}

/** What a call throws, or rejects with. */
export async function thrown(call: () => Promise<unknown>): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  return new Error('nothing was thrown');
}

/** What is no error must be what it should be. */
function assertEqual(actual: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(actual, expected)) throw new Error(`it is ${String(actual)}, not ${String(expected)}`);
}
