import { classify } from '../../packages/core/src/database/database-errors.js';
import type { Store } from '../../packages/core/src/store/store.js';
import type { Parking } from '../../packages/core/src/store/parking.js';
import type { Transition } from './explorer.js';
import { checkpoint, executors, flushed, newRun, now, outcome, queuedRun, workflow } from './records.js';

/** What the engine does to its state, with the run `order` in the middle of it. */
const id = 'order';

/** What somebody else looked at just then is found by the next round, as what comes later is. */
export const claim =
  (executorId: string, runsMax = 10, versions = [workflow.version]): Transition =>
  async (store, _, later) => {
    const taken: string[] = [];
    const take = async ({ claims }: Pick<Store, 'claims'>): Promise<void> => {
      const runnables = versions.map((version) => ({ ...workflow, version }));
      const { runs } = await claims.take({ ...claimOf(executorId, 7), runnables, runsMax });
      for (const { workflowId, attempt, input, cancelRequested } of runs)
        taken.push(JSON.stringify([workflowId, attempt, input, cancelRequested]));
    };
    await take(store);
    later(take);
    return { toJSON: () => taken.toSorted() };
  };

export const claimOf = (executorId: string, claimNo: number) => ({
  executorId,
  claimNo,
  runnables: [workflow],
  runsMax: 10,
  suspectsMax: 1,
  queues: null,
  timeoutPayload: '"late"',
  now,
});

/** As the engine does it. Whether a parent was woken is a hint, which may be given twice. */
export const flush =
  (executorId: string, parts: Parameters<typeof flushed>[1]): Transition =>
  async (store) => {
    const batch = flushed(executorId, parts);
    const { held, takenSeeds } = await store.flush.writeNew(batch).catch(async (error: unknown) => {
      if (classify(error) !== 'unique-violation') throw error;
      return await store.flush.writeMissing(batch);
    });
    return { held, takenSeeds: [...takenSeeds] };
  };

/** Whether it woke the run is a hint, which may be given twice; and who repeats a message has sent it. */
const send =
  (idempotencyKey: string): Transition =>
  async (store, database) => {
    const message = { workflowId: id, topic: 'news', payload: '1', idempotencyKey, trace: null };
    const [verdict] = await store.messages.send(database, [message], now);
    return verdict === 'finished' || verdict === 'unknown' ? verdict : 'sent';
  };

const park =
  (executorId: string, wakeOn: readonly string[], more: Partial<Parking> = {}): Transition =>
  async (store) => [
    ...(await store.parking.park(executorId, [
      { workflowId: id, claimNo: 1, wakeAt: null, retries: 0, wakeOn, ...more },
    ])),
  ];

/** What somebody holds is left for the next sweep. */
export const frees: Transition = async (store, _, later) => {
  const release = async ({ ownership }: Pick<Store, 'ownership'>): Promise<void> =>
    void (await ownership.releaseRevoked({ crashesMax: 5, deadPayload: '"dead"', runsMax: 100, now }));
  await release(store);
  later(release);
};

export const cancel =
  (workflowId = id): Transition =>
  async (store) => {
    const verdicts = await store.runs.requestCancel({ workflowId, cancelledPayload: '"cancelled"', now });
    return verdicts.toSorted((one, other) => (one.workflowId < other.workflowId ? -1 : 1));
  };

const fork =
  (workflowId = 'fork', step = 1): Transition =>
  (store) =>
    store.forks.fork({
      sourceId: id,
      workflowId,
      step,
      version: workflow.version,
      deadlineAt: null,
      attributes: null,
      queue: null,
      key: '',
      priority: 0,
      units: 1,
      now,
    });

/** What somebody holds is left for another time in passing. */
export const remove =
  (mode: 'patient' | 'passing', workflowIds: readonly string[] = [id]): Transition =>
  async (store, _, later) => {
    const removed: string[] = [];
    const take = async ({ runRemoval }: Pick<Store, 'runRemoval'>): Promise<void> =>
      void removed.push(...(await runRemoval.remove(workflowIds, mode)));
    await take(store);
    if (mode === 'passing') later(take);
    return { toJSON: () => removed.toSorted() };
  };

/** What was read before goes along, as management reads and then writes. */
async function reopening(store: Store, isAfresh: boolean): Promise<void> {
  const ended = await store.runChanges.findEnded([id]);
  await store.runChanges.reopen(
    ended.map((run) => ({ ...run, isAfresh })),
    now,
  );
}

/** Of a run that one process executes whose lease has lapsed; its child is executed by another one. */
export const ofOwned: Readonly<Record<string, Transition>> = {
  'records a step': flush(executors.one, { checkpoints: [checkpoint(id, 1)] }),
  'sets an event': flush(executors.one, { checkpoints: [checkpoint(id, 1, { kind: 'event', name: 'ready' })] }),
  'starts a child': flush(executors.one, { starts: [newRun('another child', { parentId: id, claimNo: 2 })] }),
  completes: flush(executors.one, { outcomes: [outcome(id)] }),
  fails: flush(executors.one, { outcomes: [outcome(id, 'failed')], reopenable: [{ workflowId: id, claimNo: 1 }] }),
  'takes a message': flush(executors.one, {
    checkpoints: [checkpoint(id, 1, { kind: 'receive', name: 'news' })],
    consumed: [{ workflowId: id, no: 1, retries: 0, trace: null, seq: 1 }],
  }),
  'parks for a message': park(executors.one, ['topic:news']),
  'parks for its child': park(executors.one, ['run:child']),
  'parks for an event of its child': park(executors.one, ['event:child\nready']),
  'is revoked': async (store) =>
    (await store.executors.revokeLapsed({ exceptId: executors.two, now })).map(({ executorId }) => executorId),
  'is revoked and freed': async (store, database, later) => {
    await store.executors.revokeLapsed({ exceptId: executors.two, now });
    await frees(store, database, later);
  },
  'hands over': (store) => store.executors.revoke({ executorId: executors.one, now }),
  'renews its lease': (store) =>
    store.executors.heartbeat({ executorId: executors.one, leaseMs: 60_000, oldestClaimNo: 1, sentUntil: null, now }),
  'is freed where it is revoked': frees,
  'is blocked': (store) =>
    store.ownership.block({
      executorId: executors.one,
      claimNo: 1,
      workflowId: id,
      code: 'code',
      reason: 'other',
      now,
    }),
  'is acquitted': (store) => store.ownership.acquit({ executorId: executors.one, claimNo: 1, workflowId: id }),
  'is cancelled': cancel(),
  'is sent a message': send('first'),
  'is sent another message': send('second'),
  'loses its child to its end': flush(executors.two, {
    outcomes: [outcome('child')],
    childrenOfOthers: [{ workflowId: 'child', parentId: id }],
  }),
  'hears of an event of its child': flush(executors.two, {
    checkpoints: [checkpoint('child', 0, { kind: 'event', name: 'ready' })],
  }),
  'wakes who watches': (store) => store.parking.wakeWatching(['child'], now),
  'is forked': fork(),
  'is forked from its beginning': fork('fork', 0),
  'is to be deleted': remove('patient'),
  'is to be deleted in passing': remove('passing'),
  'gets attributes': (store) => store.runChanges.setAttributes(id, '{"a":1}', []),
  'is claimed by another process': claim(executors.two),
  'commits a transaction': (store, database) =>
    database.sharedTransaction(
      (tx) =>
        store.transactions.record(
          tx,
          {
            workflowId: id,
            retries: 0,
            seq: 1,
            name: 'book',
            payload: '1',
            startedAt: now,
            finishedAt: now,
            attempt: 1,
          },
          { executorId: executors.one, transactionId: 'booking' },
        ),
      { isolationLevel: 'read committed', id: 'booking' },
    ),
};

/** Of a run that is parked, for a message, for its child and for an event of it. */
export const ofParked: Readonly<Record<string, Transition>> = {
  'is sent a message': send('first'),
  'is sent another message': send('second'),
  'loses its child to its end': flush(executors.two, {
    outcomes: [outcome('child')],
    childrenOfOthers: [{ workflowId: 'child', parentId: id }],
  }),
  'loses its child to a cancellation': cancel('child'),
  'hears of an event of its child': flush(executors.two, {
    checkpoints: [checkpoint('child', 0, { kind: 'event', name: 'ready' })],
  }),
  'wakes who watches': (store) => store.parking.wakeWatching(['child'], now),
  'wakes all who watch': (store) => store.parking.wakeWatching('all', now),
  'is cancelled': cancel(),
  'is claimed by one process': claim(executors.one),
  'is claimed by another process': claim(executors.two),
  'is forked': fork(),
  'is to be deleted': remove('patient'),
  'is to be deleted in passing': remove('passing'),
};

/** Of a run that has ended. */
export const ofEnded: Readonly<Record<string, Transition>> = {
  'goes on where it was': (store) => reopening(store, false),
  'begins afresh': (store) => reopening(store, true),
  'is forked': fork(),
  'is deleted': remove('patient'),
  'is deleted in passing': remove('passing'),
  'is cancelled': cancel(),
  'is sent a message': send('first'),
  'is claimed by one process': claim(executors.one),
  'is claimed by another process': claim(executors.two),
  'is freed where it is revoked': frees,
  'ends once more, as its reply was lost': async (store) => {
    const reopenable = [{ workflowId: id, claimNo: 1 }];
    const batch = flushed(executors.one, { outcomes: [outcome(id, 'failed')], reopenable });
    return (await store.flush.writeMissing(batch)).held;
  },
  'is started again': flush(executors.two, { starts: [newRun(id, { seed: 'another', claimNo: 2 })] }),
  'gets attributes': (store) => store.runChanges.setAttributes(id, '{"a":1}', []),
};

/** Of one workflow id that nobody has yet. */
export const ofNothing: Readonly<Record<string, Transition>> = {
  'is started by one process': flush(executors.one, { starts: [newRun(id)] }),
  'is started by another process': flush(executors.two, { starts: [newRun(id, { seed: 'another' })] }),
  'is submitted': async (store, database) => [
    ...(await store.runs.insertAvailable(database, [newRun(id, { seed: 'third' })], now)),
  ],
  'is enqueued': async (store, database) => [
    ...(await store.queues.enqueue(database, [queuedRun(id, { seed: 'fourth' })], now)),
  ],
  'is enqueued by a process': flush(executors.one, { enqueued: [queuedRun(id, { seed: 'fifth' })] }),
  'is cancelled': cancel(),
  'is sent a message': send('first'),
  'is claimed by one process': claim(executors.one),
  'is claimed by another process': claim(executors.two),
  'loses the process that starts it': (store) => store.executors.revoke({ executorId: executors.one, now }),
  'is freed where it is revoked': frees,
};
