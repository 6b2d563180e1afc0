import {
  createToken,
  getEvent,
  Perdure,
  PerdureError,
  queue,
  schedule,
  send,
  sleep,
  step,
  stream,
  workflow,
} from '@perdure/core';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databases, type TestDatabase } from '../support/databases.js';

const { open } = databases.at(-1)!;

/** `FUZZ_SEED=7 FUZZ_RUNS=20000 npm run fuzz` looks further than the checks do. */
const seed = Number(process.env['FUZZ_SEED'] ?? 1);
const runs = process.env['FUZZ_RUNS'] === undefined ? null : Number(process.env['FUZZ_RUNS']);

/** Whatever JavaScript can hand over, with what looks right mixed in. */
const thing = fc.oneof(
  fc.anything({ withNullPrototype: true, withDate: true, withBigInt: true, withMap: true, withSparseArray: true }),
  fc.string({ unit: 'binary' }),
  fc.constantFrom(Symbol('s'), Number.NaN, Infinity, -0, 2 ** 53, '5s', '* * * * *', () => {}, Error),
  fc.record({ cron: fc.string(), every: fc.oneof(fc.string(), fc.double()) }, { requiredKeys: [] }),
);

/** Anything, or an object with some of these names, which spaces part, and anything under them. */
const optionsOf = (names: string): fc.Arbitrary<unknown> => fc.oneof(thing, recordOf(names));

const recordOf = (names: string): fc.Arbitrary<object> =>
  fc.record(Object.fromEntries(names.split(' ').map((name) => [name, thing])), { requiredKeys: [] });

interface Edge {
  readonly given: fc.Arbitrary<readonly unknown[]>;
  readonly call: (...args: never[]) => unknown;
}

const edge = (given: fc.Arbitrary<readonly unknown[]>, call: (...args: never[]) => unknown): Edge => ({ given, call });
const noop = async (): Promise<void> => {};
const work = workflow('edges', async (value: unknown) => value);
let test: TestDatabase;
let perdure: Perdure;

const startOptions = optionsOf(
  'workflowId fingerprint attributes timeout deadline queue key priority delay runAt deduplication debounce units detached',
);
const filters = optionsOf(
  'id idPrefix name status queue version executorId parentId hasParent forkedFrom schedule createdFrom createdBefore finishedFrom finishedBefore attributes',
);

/** Where something is defined, which no database is asked about. */
const definitions: Readonly<Record<string, Edge>> = {
  workflow: edge(
    fc.tuple(thing, optionsOf('version onCancel timeout retries backoff retryIf input')),
    (name, options) => workflow(name, noop, options),
  ),
  step: edge(fc.tuple(thing, optionsOf('timeout retries backoff retryIf enqueueable')), (name, options) =>
    step(name, noop, options),
  ),
  queue: edge(
    fc.tuple(thing, optionsOf('concurrency workerConcurrency rateLimit perKey ageing maxWait order fair')),
    (name, settings) => queue(name, settings),
  ),
  schedule: edge(
    fc.tuple(thing, optionsOf('cron every timeZone'), optionsOf('overlap jitter catchUp from until maxRuns start')),
    (name, timing, options) => schedule(name, timing, work, options),
  ),
  launch: edge(
    fc.tuple(
      recordOf(
        'schema lease poll queues parkAfter maxRuns maxCrashes maxBacklogBytes maxPayloadBytes retention timeout adopt carriers',
      ),
    ),
    (options) => Perdure.launch({ ...(options as object), database: refusing, migrate: false, workflows: [] }),
  ),
};

/** Opens nothing: what is launched with options that hold gets no further than here. */
const refusing = new Proxy({} as TestDatabase['database'], {
  get(_, name) {
    if (name === 'then') return undefined;
    if (name === 'pools') return [];
    if (name === 'kind') return 'postgres';
    return async () => {
      throw Object.assign(new Error('nobody is there'), { code: 'ECONNREFUSED' });
    };
  },
});

/** Where something is asked of an engine. */
const questions: Readonly<Record<string, Edge>> = {
  start: edge(fc.tuple(startOptions, thing), async (options, input) => {
    await work.with({ ...(options as object), engine: perdure }).start(input);
  }),
  send: edge(fc.tuple(thing, thing, thing, optionsOf('idempotencyKey')), (run, topic, message, options) =>
    send(run, topic, message, { ...(options as object), engine: perdure }),
  ),
  getEvent: edge(fc.tuple(thing, thing), (run, key) => getEvent(run, key, { engine: perdure, timeout: 1 })),
  sleep: edge(fc.tuple(thing.filter((it) => !(Number(String(asText(it))) > 5))), (duration) =>
    Promise.race([sleep(duration), new Promise((resolve) => setTimeout(resolve, 5))]),
  ),
  'runs.list': edge(fc.tuple(filters, optionsOf('limit after order')), (filter, options) =>
    perdure.runs.list(filter, options),
  ),
  'runs.count': edge(fc.tuple(filters, optionsOf('by bucket')), (filter, options) =>
    perdure.runs.count(filter, options),
  ),
  'runs.get': edge(fc.tuple(thing), (id) => perdure.runs.get(id)),
  'runs.explain': edge(fc.tuple(thing), (id) => perdure.runs.explain(id)),
  'runs.fork': edge(fc.tuple(thing, optionsOf('from workflowId version')), (id, options) =>
    perdure.runs.fork(id, options),
  ),
  'runs.prune': edge(fc.tuple(fc.oneof(thing, fc.array(optionsOf('olderThan keep workflow status')))), (rules) =>
    perdure.runs.prune(rules),
  ),
  'queues.change': edge(fc.tuple(thing, optionsOf('concurrency rateLimit perKey ageing maxWait')), (name, changes) =>
    perdure.queues.change(name, changes),
  ),
  'schedules.set': edge(fc.tuple(optionsOf('name timing cron every workflow overlap jitter from until')), (given) =>
    perdure.schedules.set('edges', given),
  ),
};

function asText(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

/** What is thrown, if that is no error that a user could do something with. */
async function strangeError({ call }: Edge, args: readonly unknown[]): Promise<unknown> {
  try {
    await call(...(args as never[]));
    return null;
  } catch (error) {
    return error instanceof PerdureError && error.message.length > 10 ? null : error;
  }
}

describe(
  'whatever is handed over is taken, or refused with what to do',
  { timeout: runs === null ? 120_000 : 3_600_000 },
  () => {
    beforeAll(async () => {
      test = await open();
      perdure = await Perdure.launch({ database: test.database, schema: test.schema, workflows: [work] });
    });
    afterAll(async () => {
      await perdure.shutdown({ drainMs: 0 });
      await test.dispose();
    });

    it.each(Object.entries(definitions))('by %s', async (_, one) => {
      await fc.assert(
        fc.asyncProperty(one.given, async (args) => {
          expect(await strangeError(one, args)).toBeNull();
        }),
        { numRuns: runs ?? 1_000, seed },
      );
    });

    it.each(Object.entries(questions))('by %s', async (_, one) => {
      await fc.assert(
        fc.asyncProperty(one.given, async (args) => {
          expect(await strangeError(one, args)).toBeNull();
        }),
        { numRuns: runs ?? 150, seed },
      );
      expect(perdure.health()).toMatchObject({ status: 'healthy' });
    });

    it('outside of runs, by what belongs into one', async () => {
      for (const call of [() => createToken('x'), () => stream('x').append(1)]) {
        expect(await strangeError({ given: fc.constant([]), call }, [])).toBeNull();
      }
    });
  },
);
