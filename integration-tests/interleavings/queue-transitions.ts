import type { Store } from '../../packages/core/src/store/store.js';
import type { Database } from '@perdure/core/internal';
import type { UniqueItem } from '../../packages/core/src/store/queues.js';
import type { Transition } from './explorer.js';
import { executors, flushed, newRun, now, outcome, queuedRun, workflow } from './records.js';
import { cancel, claim, claimOf, flush, frees, remove } from './transitions.js';

const unique = (workflowId: string): UniqueItem => ({
  run: queuedRun(workflowId),
  deduplicationId: 'only one',
  freesWhenTaken: false,
  putOffMaxMs: null,
  now,
});

const enqueueUnique =
  (workflowId: string): Transition =>
  (store, database) =>
    database.transaction((tx) => store.queues.enqueueUnique(tx, unique(workflowId)));

const ends = (kind: 'completed' | 'failed'): Transition => {
  const of = { workflowId: 'running', claimNo: 1 };
  return flush(executors.three, {
    outcomes: [outcome('running', kind)],
    ...(kind === 'completed' ? { dequeued: ['running'] } : { deadLetters: [of] }),
  });
};

/** Of a queue that lets two run: one runs, two wait, one has failed before. */
export const ofQueue: Readonly<Record<string, Transition>> = {
  'is claimed from by one process': claim(executors.one),
  'is claimed from by another process': claim(executors.two),
  'is claimed one item from': claim(executors.two, 1),
  'gets an item': async (store, database) => [...(await store.queues.enqueue(database, [queuedRun('new')], now))],
  'gets an item of a process': flush(executors.one, { enqueued: [queuedRun('new', { seed: 'another' })] }),
  'gets an item that is the only one': enqueueUnique('unique'),
  'gets another that is the only one': enqueueUnique('rival'),
  'is paused': (store) => store.queues.setPaused('line', true),
  'is resumed': (store) => store.queues.setPaused('line', false),
  'is narrowed': (store) => store.queues.change('line', { concurrency: 1 }),
  'is declared': (store, database) => store.queues.declare(database, [{ name: 'line', settings: { concurrency: 3 } }]),
  'lets one run end': ends('completed'),
  'lets one run fail': ends('failed'),
  'loses the first item to a cancellation': cancel('waiting'),
  'loses the running item to a cancellation': cancel('running'),
  'is deleted from': remove('patient', ['waiting', 'failed']),
  'takes a dead letter back': (store) =>
    store.deadLetters.putBack({ queue: 'line', workflowIds: ['failed'], afresh: true, now }),
  'drops a dead letter': (store) => store.deadLetters.drop({ queue: 'line', workflowIds: ['failed'] }),
  'lets the last item pass': async (store) => store.runChanges.setPriority(['waiting too'], 9),
  'puts the first item off': (store) =>
    store.runChanges.setDelay({ workflowIds: ['waiting'], runAt: null, delayMs: 60_000, now }),
  'loses the process that runs one': (store) => store.executors.revoke({ executorId: executors.three, now }),
  'gets back what a process had': frees,
};

export async function withQueue(store: Store, database: Database): Promise<void> {
  await store.queues.declare(database, [{ name: 'line', settings: { concurrency: 2 } }]);
  await store.queues.enqueue(database, [queuedRun('failed')], now);
  await store.claims.take(claimOf(executors.three, 9));
  const dead = flushed(executors.three, {
    outcomes: [outcome('failed', 'failed')],
    deadLetters: [{ workflowId: 'failed', claimNo: 9 }],
  });
  await store.flush.writeNew(dead);
  await store.queues.enqueue(database, [queuedRun('running')], now);
  await store.claims.take(claimOf(executors.three, 1));
  await store.queues.enqueue(database, [queuedRun('waiting'), queuedRun('waiting too')], now);
}

/** Of versions `1`, which one process has, and `2`, which another has, and a run that is given to the promoted one. */
export const ofVersions: Readonly<Record<string, Transition>> = {
  'promotes the second': (store) => store.versions.promote({ workflow: workflow.name, version: '2', now }),
  'promotes the first': (store) => store.versions.promote({ workflow: workflow.name, version: '1', now }),
  'demotes the first': (store) => store.versions.demote({ workflow: workflow.name, version: '1' }),
  'claims as the first': claim(executors.one, 10, ['1']),
  'claims as the second': claim(executors.two, 10, ['2']),
  'serves the first': (store) =>
    store.versions.serve({ executorId: executors.one, served: [{ name: workflow.name, version: '1' }], now }),
  'serves both': (store) =>
    store.versions.serve({
      executorId: executors.two,
      served: ['1', '2'].map((version) => ({ name: workflow.name, version })),
      now,
    }),
  'loses the process of the second': (store) => store.executors.revoke({ executorId: executors.two, now }),
  'is started by name': async (store, database) => [
    ...(await store.runs.insertAvailable(database, [newRun('another', { version: '' })], now)),
  ],
};

export async function withVersions(store: Store, database: Database): Promise<void> {
  for (const [executorId, version] of [
    [executors.one, '1'],
    [executors.two, '2'],
  ] as const) {
    await store.versions.serve({ executorId, served: [{ name: workflow.name, version }], now: now - 1_000 });
  }
  await store.versions.promote({ workflow: workflow.name, version: '1', now: now - 500 });
  await store.runs.insertAvailable(database, [newRun('order', { version: '' })], now);
}

const slotAt = now - 1_000;
const next = { slotAt: now + 60_000, fireAt: now + 60_000 };

/** As the scheduler does it. */
const fires =
  (seed: string): Transition =>
  (store, database) =>
    database.transaction(async (tx) => {
      const [schedule] = await store.schedules.list(tx, 'tick', 'lock');
      if (schedule?.nextSlotAt !== slotAt || schedule.isPaused) return false;
      const step = { name: 'tick', slotAt, next, fired: 'tick@slot', missed: 0, skipped: 0 };
      if (!(await store.schedules.advance(tx, step))) return false;
      await store.runs.insertAvailable(tx, [newRun('tick@slot', { seed })], now);
      return true;
    });

/** Of a schedule that is due. */
export const ofSchedule: Readonly<Record<string, Transition>> = {
  'is fired by one process': fires('one'),
  'is fired by another process': fires('two'),
  'is paused': (store, database) =>
    database.transaction((tx) => store.schedules.setPaused(tx, 'tick', true, { slotAt: null, fireAt: null })),
  'is resumed': (store, database) => database.transaction((tx) => store.schedules.setPaused(tx, 'tick', false, next)),
  'is removed': (store) => store.schedules.remove('tick'),
  'is changed': (store, database) =>
    database.transaction(async (tx) => {
      const [known] = await store.schedules.list(tx, 'tick', 'lock');
      return await store.schedules.put(tx, { ...schedule, input: '1' }, next, known === undefined ? 'new' : 'known');
    }),
};

const schedule = {
  name: 'tick',
  origin: 'code' as const,
  workflow: workflow.name,
  settings: {
    cron: null,
    timeZone: null,
    everyMs: 60_000,
    overlap: 'allow' as const,
    jitterMs: 0,
    catchUpMs: 3_600_000,
    from: null,
    until: null,
    maxRuns: null,
  },
  input: null,
};

export async function withSchedule(store: Store, database: Database): Promise<void> {
  await store.schedules.put(database, schedule, { slotAt, fireAt: slotAt }, 'new');
}
