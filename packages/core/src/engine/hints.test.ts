import { expect, it, vi } from 'vitest';
import { SystemClock } from '../seams/system-clock.js';
import type { Hint, NotificationStore } from '../store/notifications.js';
import { deferred } from '../util/deferred.js';
import { Hints } from './hints.js';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const ignore = (): void => {};

/** Hints, with what other processes send and are sent. */
async function listening() {
  const sent: Hint[] = [];
  const batches: (readonly Hint[])[] = [];
  let hear: (hint: Hint) => void = ignore;
  const notifications: NotificationStore = {
    async notify(hints) {
      batches.push(hints);
      sent.push(...hints);
    },
    notifyIn: async (_, hints) => void sent.push(...hints),
    async listen(onHint) {
      hear = onHint;
      return { isDeaf: false, unsubscribe: async () => {} };
    },
  };
  const hints = new Hints(notifications, new SystemClock(), quiet);
  await hints.listen({
    onWork: ignore,
    onSchedules: ignore,
    onVersions: ignore,
    onCancel: ignore,
    onFinished: ignore,
    onEvents: ignore,
    onMessages: ignore,
    onGap: ignore,
  });
  return { hints, sent, batches, hear: (hint: Hint) => hear(hint) };
}

it('tells of the runs that others asked for last, however many they have asked for', async () => {
  const { hints, sent, hear } = await listening();
  for (let no = 0; no < 25_000; no += 1) hear({ type: 'wanted', ids: [`elsewhere-${no}`] });
  hear({ type: 'wanted', ids: ['here'] });
  hints.finished('here');
  hints.finished('unasked');
  await vi.waitFor(() => expect(sent).toEqual([{ type: 'finished', ids: ['here'] }]));
  await hints.stop();
});

it('tells of a run once that it has finished, and each time that it has published something', async () => {
  const { hints, sent, hear } = await listening();
  hear({ type: 'wanted', ids: ['run'] });
  for (let no = 0; no < 2; no += 1) {
    hints.published('run');
    await vi.waitFor(() => expect(sent.splice(0)).toEqual([{ type: 'event', ids: ['run'] }]));
  }
  hints.finished('run');
  hints.finished('run');
  await vi.waitFor(() => expect(sent).toEqual([{ type: 'finished', ids: ['run'] }]));
  await hints.stop();
});

it('sends what one answer lets go on together, and before anything else happens', async () => {
  const { hints, batches } = await listening();
  const answer = deferred<void>();
  const told = ['a', 'b', 'c'].map(async (id) => {
    await answer.promise;
    hints.send({ type: 'message', ids: [id] });
  });
  const next = new Promise<number>((resolve) => setImmediate(() => resolve(batches.length)));
  answer.resolve();
  await Promise.all(told);
  expect(await next).toBe(1);
  expect(batches).toEqual([[{ type: 'message', ids: ['a', 'b', 'c'] }]]);
  await hints.stop();
});
