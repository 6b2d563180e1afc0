import type { Database } from '@perdure/core/internal';
import type { Store } from '../../packages/core/src/store/store.js';
import type { Transition } from './explorer.js';
import { ofQueue, ofSchedule, ofVersions, withQueue, withSchedule, withVersions } from './queue-transitions.js';
import { checkpoint, executors, flushed, newRun, now, outcome, register } from './records.js';
import { ofEnded, ofNothing, ofOwned, ofParked } from './transitions.js';

/** A state, and what may happen in it. */
export interface Scene {
  readonly name: string;
  readonly transitions: Readonly<Record<string, Transition>>;
  readonly prepare: (store: Store, database: Database) => Promise<void>;
}

const order = newRun('order');
const child = newRun('child', { parentId: 'order' });

export const scenes: readonly Scene[] = [
  {
    name: 'a run whose process seems to be dead',
    transitions: ofOwned,
    async prepare(store, database) {
      await register(store, executors.one, -1_000);
      await register(store, executors.two);
      await store.flush.writeNew(flushed(executors.one, { starts: [order], checkpoints: [checkpoint('order', 0)] }));
      await store.flush.writeNew(flushed(executors.two, { starts: [child] }));
      await store.messages.send(database, [earlier], now);
    },
  },
  {
    name: 'a run whose process is dead',
    transitions: ofOwned,
    async prepare(store) {
      await register(store, executors.one);
      await register(store, executors.two);
      await store.flush.writeNew(flushed(executors.one, { starts: [order], checkpoints: [checkpoint('order', 0)] }));
      await store.flush.writeNew(flushed(executors.two, { starts: [child] }));
      await store.executors.revoke({ executorId: executors.one, now });
    },
  },
  {
    name: 'a run that is parked',
    transitions: ofParked,
    async prepare(store) {
      await register(store, executors.one);
      await register(store, executors.two);
      await store.flush.writeNew(flushed(executors.one, { starts: [order], checkpoints: [checkpoint('order', 0)] }));
      await store.flush.writeNew(flushed(executors.two, { starts: [child] }));
      const wakeOn = ['topic:news', 'run:child', 'event:child\nready'];
      await store.parking.park(executors.one, [{ workflowId: 'order', claimNo: 1, wakeAt: now, retries: 0, wakeOn }]);
    },
  },
  {
    name: 'a run that has failed',
    transitions: ofEnded,
    async prepare(store) {
      await register(store, executors.one);
      await register(store, executors.two);
      const outcomes = [outcome('order', 'failed')];
      const checkpoints = [checkpoint('order', 0)];
      await store.flush.writeNew(flushed(executors.one, { starts: [order], checkpoints, outcomes }));
    },
  },
  {
    name: 'a workflow id',
    transitions: ofNothing,
    async prepare(store, database) {
      await register(store, executors.one);
      await register(store, executors.two);
      await store.queues.declare(database, [{ name: 'line', settings: { concurrency: 2 } }]);
    },
  },
  {
    name: 'a queue',
    transitions: ofQueue,
    async prepare(store, database) {
      for (const executorId of Object.values(executors)) await register(store, executorId);
      await withQueue(store, database);
    },
  },
  {
    name: 'a workflow with two versions',
    transitions: ofVersions,
    async prepare(store, database) {
      await register(store, executors.one);
      await register(store, executors.two);
      await withVersions(store, database);
    },
  },
  {
    name: 'a schedule that is due',
    transitions: ofSchedule,
    async prepare(store, database) {
      await withSchedule(store, database);
    },
  },
];

const earlier = { workflowId: 'order', topic: 'old news', payload: '0', idempotencyKey: 'earlier', trace: null };
