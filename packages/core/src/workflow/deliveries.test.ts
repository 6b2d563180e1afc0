import { expect, it } from 'vitest';
import { SystemClock } from '../seams/system-clock.js';
import { Deliveries } from './deliveries.js';
import { arrangeHistory } from './history.js';
import { ReplayCursor } from './replay-cursor.js';

it('delivers results a macrotask apart, also those that are there as soon as calls are performed', async () => {
  const happened: string[] = [];
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const deliveries: Deliveries<string> = new Deliveries({
    clock: new SystemClock(),
    cursor: new ReplayCursor(arrangeHistory([]), false),
    deliverRecorded: () => {},
    onLive: () => {
      for (const result of ['one', 'two', 'three']) deliveries.add(result);
    },
    deliverLive: (result) => {
      happened.push(result);
      // As long as a workflow may take to come to rest.
      void (async () => {
        for (let hop = 0; hop < 100; hop += 1) await Promise.resolve();
        happened.push(`after ${result}`);
      })();
    },
    onStuck: () => {},
    stuckMs: 1_000,
  });
  deliveries.settle();
  while (deliveries.isBusy || happened.length < 6) await turn();
  expect(happened).toEqual(['one', 'after one', 'two', 'after two', 'three', 'after three']);
});
