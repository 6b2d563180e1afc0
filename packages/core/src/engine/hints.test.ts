import { expect, it } from 'vitest';
import { SystemClock } from '../seams/system-clock.js';
import type { Hint, NotificationStore } from '../store/notifications.js';
import { deferred } from '../util/deferred.js';
import { Hints } from './hints.js';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const ignore = (): void => {};

/** Real time, but for what durations are measured with. */
class HandClock extends SystemClock {
  nowMs = 0;

  override monotonicMs(): number {
    return this.nowMs;
  }
}

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
    enclosed: (hints) => hints.map((hint) => JSON.stringify(hint)),
    notifyIn: async (_, hints) => void sent.push(...hints),
    async listen(onHint) {
      hear = onHint;
      return { isDeaf: false, unsubscribe: async () => {} };
    },
  };
  const clock = new HandClock();
  const hints = new Hints(notifications, clock, quiet);
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
  return { hints, clock, sent, batches, hear: (hint: Hint) => hear(hint) };
}

it('tells of the runs that others asked for last, however many they have asked for', async () => {
  const { hints, sent, hear } = await listening();
  for (let no = 0; no < 25_000; no += 1) hear({ type: 'wanted', ids: [`elsewhere-${no}`] });
  hear({ type: 'wanted', ids: ['here'] });
  hints.finished('here');
  hints.finished('unasked');
  await expect.poll(() => sent).toEqual([{ type: 'finished', ids: ['here'] }]);
  await hints.stop();
});

it('tells of a run once that it has finished, and each time that it has published something', async () => {
  const { hints, sent, hear } = await listening();
  hear({ type: 'wanted', ids: ['run'] });
  for (let no = 0; no < 2; no += 1) {
    hints.published('run');
    await expect.poll(() => sent.splice(0)).toEqual([{ type: 'event', ids: ['run'] }]);
  }
  hints.finished('run');
  hints.finished('run');
  await expect.poll(() => sent).toEqual([{ type: 'finished', ids: ['run'] }]);
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

it('lets a write take hints along in quiet times, and sends them after it in busy ones', async () => {
  const { hints, clock, batches } = await listening();
  const writes: (readonly string[])[] = [];
  const write = async (enclosed: readonly string[]) => writes.push(enclosed);
  const hint = { type: 'message', ids: ['run'] } as const;
  await hints.around([hint], write);
  clock.nowMs = 99;
  await hints.around([hint], write);
  await expect.poll(() => batches).toEqual([[hint]]);
  clock.nowMs = 198;
  await hints.around([hint], write);
  await expect.poll(() => batches).toEqual([[hint], [hint]]);
  clock.nowMs = 298;
  await hints.around([hint], write);
  expect(writes).toEqual([[JSON.stringify(hint)], [], [], [JSON.stringify(hint)]]);
  await hints.stop();
  expect(batches).toHaveLength(2);
});

it('repeats a write without its hints, which can be what is refused, and sends them after it', async () => {
  const { hints, batches } = await listening();
  const writes: (readonly string[])[] = [];
  const written = hints.around([{ type: 'work' }], async (enclosed) => {
    writes.push(enclosed);
    if (enclosed.length > 0) throw new Error('too many notifications in the NOTIFY queue');
    return 'written';
  });
  expect(await written).toBe('written');
  expect(writes).toEqual([['{"type":"work"}'], []]);
  await expect.poll(() => batches).toEqual([[{ type: 'work' }]]);
  await hints.stop();
});

it('lets a write take along the outcomes that others wait for, and tells nobody of them again', async () => {
  const { hints, clock, sent, hear } = await listening();
  hear({ type: 'wanted', ids: ['run', 'other'] });
  expect(hints.encloseFinished(['unasked'])).toBeNull();
  const enclosure = hints.encloseFinished(['run', 'unasked']);
  expect(enclosure?.payloads).toEqual(['{"type":"finished","ids":["run"]}']);
  enclosure?.onSent();
  hints.finished('run');
  clock.nowMs = 50;
  expect(hints.encloseFinished(['other'])).toBeNull();
  hints.finished('other');
  await expect.poll(() => sent).toEqual([{ type: 'finished', ids: ['other'] }]);
  await hints.stop();
});

it('tells of an outcome after its write where that went without the hint', async () => {
  const { hints, sent, hear } = await listening();
  hear({ type: 'wanted', ids: ['run'] });
  expect(hints.encloseFinished(['run'])).not.toBeNull();
  hints.finished('run');
  await expect.poll(() => sent).toEqual([{ type: 'finished', ids: ['run'] }]);
  await hints.stop();
});
